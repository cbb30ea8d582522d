import type { Principal } from '@tidegate/auth';
import type { AuditActor } from '@tidegate/contracts';

/** Somebody who has shown no valid credential. */
export const anonymous: AuditActor = { type: 'anonymous', roles: [], method: 'none' };

/** The caller as events name it: without claims, and with the name of the credential at most. */
export function actorOf(principal: Principal | undefined): AuditActor {
  if (principal === undefined) return anonymous;
  const { subject, tenant, roles, clientId, method = 'bearer', credentialId = clientId } = principal;
  return {
    type: method === 'api-key' || clientId === subject ? 'client' : 'user',
    subject,
    ...(tenant !== undefined && { tenant }),
    roles: [...roles],
    method,
    ...(credentialId !== undefined && { credentialId }),
  };
}
