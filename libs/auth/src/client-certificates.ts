import { createHash, X509Certificate } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import { z } from 'zod';
import { unauthenticated } from './refusal';
import { headerValues, type RawRequest } from './request-credentials';
import { isProxy, TrustedProxies } from './trusted-proxies';

export const clientCertificatesOptionsSchema = z.object({
  /** The proxies that end TLS for us and say which certificate a client showed: addresses and subnets. */
  hops: z.array(z.string().refine(isProxy, 'expected addresses or subnets such as 10.0.0.0/8')).default([]),
  /**
   * The header they say it in. Only this one is read: a proxy overwrites the one it knows, and lets the other pass as the
   * client wrote it.
   */
  header: z.enum(['client-cert', 'x-forwarded-client-cert']).default('client-cert'),
});

export type ClientCertificatesOptions = z.input<typeof clientCertificatesOptionsSchema>;

/** The client certificates of requests: of the TLS connection itself, or said by a proxy that is known. */
export class ClientCertificates {
  private readonly hops: TrustedProxies;
  private readonly header: z.output<typeof clientCertificatesOptionsSchema>['header'];
  private readonly known = new WeakMap<TLSSocket, string>();

  constructor(options: ClientCertificatesOptions = {}) {
    const { hops, header } = clientCertificatesOptionsSchema.parse(options);
    this.hops = new TrustedProxies(hops);
    this.header = header;
  }

  /**
   * SHA-256 of the certificate, base64url; undefined when the client showed none. What anybody but a known proxy writes
   * into headers is not read.
   * @throws AppError `unauthenticated` for a certificate of no authority of ours, and for a header that says two things
   */
  of(request: RawRequest): string | undefined {
    const { socket } = request;
    const { remoteAddress } = (socket ?? {}) as { remoteAddress?: string };
    // The hop's own certificate is not its clients'.
    if (remoteAddress !== undefined && this.hops.has(remoteAddress)) return this.saidByHop(request);
    return socket instanceof TLSSocket ? this.ofConnection(socket) : undefined;
  }

  private saidByHop(request: RawRequest): string | undefined {
    const values = headerValues(request, this.header);
    const [value] = values;
    if (value === undefined) return undefined;
    if (values.length > 1) throw unauthenticated('the certificate header came twice');
    return this.header === 'client-cert' ? ofClientCert(value) : ofForwardedCert(value);
  }

  private ofConnection(socket: TLSSocket): string | undefined {
    const known = this.known.get(socket);
    if (known !== undefined) return known;
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) return undefined;
    if (!socket.authorized) throw unauthenticated(socket.authorizationError);
    const found = thumbprint(certificate.raw);
    this.known.set(socket, found);
    return found;
  }
}

/** RFC 9440: `:<base64 of DER>:`. */
function ofClientCert(value: string): string {
  const [, base64] = /^:([\w+/]+={0,2}):$/.exec(value) ?? [];
  if (base64 === undefined) throw unauthenticated('the certificate header cannot be read');
  try {
    return thumbprint(new X509Certificate(Buffer.from(base64, 'base64')).raw);
  } catch (error) {
    throw unauthenticated(error);
  }
}

/**
 * Envoy's `By=…;Hash=<hex>;Subject="…"`. Of several elements the first may be the client's own words, and an open quote of
 * the client's could hide the proxy's: one `hash=` anywhere, or nothing is believed.
 */
function ofForwardedCert(value: string): string {
  const unquoted = value.replace(/"(?:[^"\\]|\\.)*"/g, '');
  const [, hash] = /(?:^|;)hash=([\da-f]{64})(?:;|$)/i.exec(unquoted) ?? [];
  const isOne = value.match(/hash=/gi)?.length === 1 && !/[,"]/.test(unquoted);
  if (hash === undefined || !isOne) throw unauthenticated('the certificate header does not say one certificate');
  return Buffer.from(hash, 'hex').toString('base64url');
}

function thumbprint(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('base64url');
}
