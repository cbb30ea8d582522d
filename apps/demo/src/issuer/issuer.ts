import { AppError } from '@tidegate/errors';
import { problemOf } from '@tidegate/http';
import type { Logger } from '@tidegate/telemetry';
import { importJWK, SignJWT } from 'jose';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { devIdentity, type DevIdentity } from './dev-identity';
import { type IssuerKeys, loadKeys, signingAlgorithm } from './keys';
import { audience, createProvider, type IssuerClient } from './provider';

export interface IssuerOptions {
  /** The `iss` of all tokens. */
  url: string;
  /** The address to listen on: whoever reaches it can be anybody, so elsewhere than in a container it is loopback. */
  host: string;
  port: number;
  keysFile: string;
  clients: readonly IssuerClient[];
}

const maxBodyBytes = 4_096;

/** The development token issuer, on a listener of its own. Its `POST /dev/token` gives a token for any demo identity. */
export class Issuer {
  private server: Server | undefined;
  /** A page that rebinds its name to our address still sends its own name. */
  private readonly names: ReadonlySet<string>;

  constructor(
    private readonly options: IssuerOptions,
    private readonly logger: Logger,
  ) {
    this.names = new Set(['127.0.0.1', 'localhost', new URL(options.url).hostname]);
  }

  /** @returns the port it listens on. @throws AppError `invalid_config` when the port is taken. */
  async start(): Promise<number> {
    const keys = await loadKeys(this.options.keysFile);
    const provider = createProvider(this.options.url, this.options.clients, keys);
    provider.on('server_error', (_context, error) => this.logger.error({ err: error }, 'issuer failed'));
    const callback = provider.callback();
    this.server = createServer((request, response) => {
      if (!this.isNamedBy(request)) {
        return refuse(response, new AppError('permission_denied', 'Only this machine may ask.'));
      }
      if (request.url === '/dev/token') return void this.answerDevToken(keys, request, response);
      return void callback(request, response);
    });
    return listen(this.server, this.options.host, this.options.port);
  }

  close(): Promise<void> {
    const { server } = this;
    if (server === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }

  private isNamedBy(request: IncomingMessage): boolean {
    return this.names.has((request.headers.host ?? '').replace(/:\d+$/, ''));
  }

  private async answerDevToken(keys: IssuerKeys, request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      if (request.method !== 'POST') throw new AppError('method_not_allowed', 'Use POST.');
      const identity = devIdentity(await readJson(request));
      const token = await signToken(keys, this.options.url, identity);
      const answer = { access_token: token, token_type: 'Bearer', expires_in: identity.expiresInSeconds };
      response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
      response.end(JSON.stringify(answer));
    } catch (error) {
      refuse(response, AppError.from(error));
    }
  }
}

async function signToken(keys: IssuerKeys, issuer: string, identity: DevIdentity): Promise<string> {
  const { subject, tenant, roles, expiresInSeconds } = identity;
  const key = await importJWK(keys.signing, signingAlgorithm);
  const now = Math.floor(Date.now() / 1_000);
  return new SignJWT({ roles, client_id: 'dev', ...(tenant !== undefined && { tenant }) })
    .setProtectedHeader({ alg: signingAlgorithm, kid: keys.signing.kid, typ: 'at+jwt' })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(subject)
    .setJti(randomUUID())
    .setIssuedAt(now)
    .setExpirationTime(now + expiresInSeconds)
    .sign(key);
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) {
    throw new AppError('unsupported_media_type', 'Send application/json.');
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) throw new AppError('too_large', `The body may have ${maxBodyBytes} bytes.`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString()) as unknown;
  } catch (cause) {
    throw new AppError('malformed', 'The body is not valid JSON.', { cause });
  }
}

function refuse(response: ServerResponse, error: AppError): void {
  const problem = problemOf(error);
  response.writeHead(problem.status, { 'content-type': 'application/problem+json' });
  response.end(JSON.stringify(problem));
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new AppError('invalid_config', `DEMO_ISSUER_PORT: port ${port} cannot be used.`, { cause })),
    );
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}
