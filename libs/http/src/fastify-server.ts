import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AppError } from '@tidegate/errors';
import type { Logger, Registry } from '@tidegate/telemetry';
import type { FastifyHttpOptions, FastifyInstance, RawServerDefault } from 'fastify';
import { readFileSync } from 'node:fs';
import type { TlsOptions as TlsServerOptions } from 'node:tls';
import { recordRoutes } from './allowed-methods';
import { answerClientError } from './client-errors';
import { requestIdOf } from './correlation';
import { appErrorOf } from './http-errors';
import { parseBody } from './json-body';
import { sendProblem } from './problem.filter';
import type { RequestAudit } from './request-audit';
import { addRequestHooks, standardHeaders } from './request-hooks';
import type { ServerState } from './server-state';

export interface ServerOptions {
  logger: Logger;
  registry: Registry;
  bodyLimitBytes: number;
  state: ServerState;
  audit: RequestAudit;
  tls: TlsOptions | undefined;
}

/** How the app ends TLS itself: PEM files. */
export interface TlsOptions {
  certificateFile: string;
  keyFile: string;
  /** The authorities of client certificates, which clients may then show and need not. */
  clientAuthoritiesFile?: string | undefined;
}

// Time for a whole request to arrive: a phone on 4G sends 64 KiB in far less, a slow-loris attack does not.
const requestTimeoutMs = 30_000;

/** Fastify with our limits, ids, errors and nothing that reads a body but the JSON parser. */
export function createAdapter({ logger, registry, bodyLimitBytes, state, audit, tls }: ServerOptions): FastifyAdapter {
  // Node would refuse a missing Host without a body; the hooks do it with one.
  const server = {
    headersTimeout: 10_000,
    maxHeaderSize: 16 * 1024,
    requireHostHeader: false,
    connectionsCheckingInterval: 5_000,
  };
  const options: FastifyHttpOptions<RawServerDefault> = {
    logger: false,
    bodyLimit: bodyLimitBytes,
    requestTimeout: requestTimeoutMs,
    ...(tls === undefined ? { http: server } : { https: { ...server, ...tlsOf(tls) } }),
    routerOptions: {
      caseSensitive: true,
      ignoreTrailingSlash: false,
      ignoreDuplicateSlashes: false,
      maxParamLength: 512,
    },
    return503OnClosing: false,
    requestIdHeader: false,
    genReqId: ({ headers }) => requestIdOf(headers),
    // The router's own refusals pass no hook.
    frameworkErrors: (error, request, reply) => {
      audit.watch(request, reply);
      sendProblem(reply.headers(standardHeaders(request)), appErrorOf(error, request), request);
    },
    clientErrorHandler: (error, socket) => answerClientError(error, socket, logger),
  };
  const adapter = new FastifyAdapter(options);
  const fastify = adapter.getInstance<FastifyInstance>();
  recordRoutes(fastify);
  addRequestHooks(fastify, { logger, registry, state, bodyLimitBytes, audit });
  takeOnlyJson(fastify);
  return adapter;
}

/** A client without a certificate is let in, and one with a bad certificate told so: by whoever asks who is calling. */
function tlsOf({ certificateFile, keyFile, clientAuthoritiesFile }: TlsOptions): TlsServerOptions {
  const own = { cert: readFileSync(certificateFile), key: readFileSync(keyFile), minVersion: 'TLSv1.2' as const };
  if (clientAuthoritiesFile === undefined) return own;
  return { ...own, ca: readFileSync(clientAuthoritiesFile), requestCert: true, rejectUnauthorized: false };
}

function takeOnlyJson(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const charset = /;\s*charset="?([^";\s]*)/i.exec(request.headers['content-type'] ?? '')?.[1];
    if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
      done(new AppError('unsupported_media_type', 'Send the body as application/json in UTF-8.'));
      return;
    }
    try {
      done(null, parseBody(body as Buffer));
    } catch (error) {
      done(AppError.from(error));
    }
  });
}
