import { AppError } from '@tidegate/errors';
import { problemOf } from '@tidegate/http';
import type { Logger } from '@tidegate/telemetry';
import { importJWK, SignJWT } from 'jose';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { loadPartners, type IssuerClient } from './clients';
import { devIdentity, type DevIdentity } from './dev-identity';
import { loadKeys, signingAlgorithm, type IssuerKeys } from './keys';
import { audience, createProvider } from './provider';
import { readBody } from './read-body';
import { SignIn } from './sign-in';

export interface IssuerOptions {
  /** The `iss` of all tokens. */
  url: string;
  /** The address to listen on: whoever reaches it can be anybody, so elsewhere than in a container it is loopback. */
  host: string;
  port: number;
  keysFile: string;
  /** What the partners of the demo show. */
  partnersFile: string;
  /** The apps' own identities. */
  clients: readonly IssuerClient[];
  /** Where pages get their code. */
  redirectUris: readonly string[];
}

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
    const { keysFile, partnersFile, url, redirectUris } = this.options;
    const [keys, partners] = await Promise.all([loadKeys(keysFile), loadPartners(partnersFile)]);
    const people = new Map<string, DevIdentity>();
    const provider = createProvider({
      url,
      redirectUris,
      keys,
      people,
      clients: [...this.options.clients, ...partners],
    });
    const signIn = new SignIn(provider, people);
    provider.on('server_error', (_context, error) => this.logger.error({ err: error }, 'issuer failed'));
    const callback = provider.callback();
    this.server = createServer((request, response) => {
      if (!this.isNamedBy(request)) {
        return refuse(response, new AppError('permission_denied', 'Only this machine may ask.'));
      }
      const answer = this.ownAnswer({ keys, signIn }, request);
      if (answer !== undefined)
        return void answer(response).catch((error: unknown) => refuse(response, AppError.from(error)));
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

  /** What the provider does not answer. */
  private ownAnswer(
    { keys, signIn }: { keys: IssuerKeys; signIn: SignIn },
    request: IncomingMessage,
  ): ((response: ServerResponse) => Promise<void>) | undefined {
    if (request.url === '/dev/token') return (response) => this.answerDevToken(keys, request, response);
    if (request.url?.startsWith('/interaction/') !== true) return undefined;
    return (response) => signIn.answer(request, response);
  }

  private async answerDevToken(keys: IssuerKeys, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST') throw new AppError('method_not_allowed', 'Use POST.');
    const identity = devIdentity(await readJson(request));
    const token = await signToken(keys, this.options.url, identity);
    const answer = { access_token: token, token_type: 'Bearer', expires_in: identity.expiresInSeconds };
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    response.end(JSON.stringify(answer));
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
  const body = await readBody(request);
  try {
    return JSON.parse(body.toString()) as unknown;
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
