import type { X509Certificate } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import { deviceRefused } from './device-token';

/** Devices that a client certificate of the connection names, and when it ends. */
export interface DeviceCertificate {
  /** `tenant/device`. */
  devices: readonly string[];
  endsAtMs: number;
}

const name = /^(?:URI|DNS):([a-z][a-z0-9-]{0,62}\/[A-Za-z0-9][A-Za-z0-9._-]{0,62})$/;

/**
 * What the certificate of a connection says; undefined when there is none.
 * @throws AppError `unauthenticated` for one of no authority of ours
 */
export function deviceCertificateOf(socket: object): DeviceCertificate | undefined {
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  if (certificate === undefined) return undefined;
  const { authorized, authorizationError } = socket as TLSSocket;
  if (!authorized) throw deviceRefused(String(authorizationError));
  return { devices: namesOf(certificate), endsAtMs: Date.parse(certificate.validTo) };
}

/** Its subject alternative names that are `tenant/device`. */
function namesOf({ subjectAltName = '' }: X509Certificate): string[] {
  // Node quotes what could pass for another name; no name of ours needs that.
  const unquoted = subjectAltName.replace(/"(?:[^"\\]|\\.)*"/g, '');
  return unquoted.split(', ').flatMap((entry) => name.exec(entry)?.[1] ?? []);
}
