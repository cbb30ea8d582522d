import type { Principal } from '@tidegate/auth';
import type { LimitScope } from '@tidegate/catalog';

/** Who a request is counted for: the authenticated caller, else the address. */
export interface CountedCaller {
  principal?: (Principal & { readonly credentialId?: string }) | undefined;
  /** As `clientAddress` gives it. */
  address: string;
}

/** Whose count a limit `per` something is. Prefixes keep a subject that looks like an address out of its count. */
export function keyOf(per: LimitScope, { principal, address }: CountedCaller): string {
  if (principal === undefined || per === 'ip') return `ip:${address}`;
  const { subject, tenant, clientId, credentialId } = principal;
  const bySubject = `subject:${tenant ?? ''}/${subject}`;
  if (per === 'tenant') return tenant === undefined ? bySubject : `tenant:${tenant}`;
  const credential = credentialId ?? clientId;
  if (per === 'credential' && credential !== undefined) return `credential:${credential}`;
  return bySubject;
}
