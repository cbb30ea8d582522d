import { AppError } from '@tidegate/errors';
import { Histogram, requestContext, type Logger, type Registry } from '@tidegate/telemetry';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { traceOf } from './correlation';
import type { RequestAudit } from './request-audit';
import type { ServerState } from './server-state';

interface HookOptions {
  logger: Logger;
  registry: Registry;
  state: ServerState;
  bodyLimitBytes: number;
  audit: RequestAudit;
}

// The rest of a body that was refused is read away, so that the answer arrives; a client that sends more than this is cut.
const maxDrainedBytes = 8 * 1024 * 1024;

const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
};

/** What every answer carries. */
export function standardHeaders(request: FastifyRequest): Record<string, string> {
  return { ...securityHeaders, 'x-request-id': request.id };
}

/** What is done for every request, matched or not: context, limits, headers, metrics. */
export function addRequestHooks(fastify: FastifyInstance, options: HookOptions): void {
  const durations = durationsOf(options.registry);
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.headers(standardHeaders(request));
    const refusal = refusalOf(request, options.bodyLimitBytes);
    const context = { requestId: request.id, ...traceOf(request.headers) };
    options.audit.watch(request, reply, context);
    requestContext.run(context, () => done(refusal));
  });
  fastify.addHook('onSend', (request, reply, _payload, done) => {
    completeHeaders(request, reply, options.state);
    options.audit.watch(request, reply);
    if (!request.raw.complete && hasBody(request)) drain(request, reply);
    done();
  });
  fastify.addHook('preClose', async () => options.state.closed);
  fastify.addHook('onResponse', (request, reply, done) => {
    const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none');
    durations.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1_000);
    options.logger.debug({ requestId: request.id, route, status: reply.statusCode, ms: reply.elapsedTime }, 'answered');
    done();
  });
}

function refusalOf({ headers, raw }: FastifyRequest, bodyLimitBytes: number): AppError | undefined {
  if (headers.host === undefined && raw.httpVersion === '1.1') return new AppError('malformed', 'Send a Host header.');
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    return new AppError('unsupported_media_type', 'Send the body without Content-Encoding.');
  }
  if (Number(headers['content-length'] ?? 0) > bodyLimitBytes) {
    return new AppError('too_large', `The body is larger than ${bodyLimitBytes} bytes.`);
  }
  return undefined;
}

function completeHeaders(request: FastifyRequest & { user?: unknown }, reply: FastifyReply, state: ServerState): void {
  // Nest answers unusual request targets before the hook above runs.
  if (!reply.hasHeader('x-request-id')) void reply.headers(standardHeaders(request));
  if (!reply.hasHeader('cache-control')) {
    void reply.header('cache-control', request.user === undefined ? 'no-store' : 'private, no-cache');
  }
  if (state.draining) void reply.header('connection', 'close');
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

// A connection that is closed with unread input is reset, and the client may lose the answer: read it away instead. Node's
// parser counts the bytes, so none of them can become a request; `requestTimeout` bounds the time.
function drain({ raw, headers }: FastifyRequest, reply: FastifyReply): void {
  if (Number(headers['content-length'] ?? 0) > maxDrainedBytes) {
    void reply.header('connection', 'close');
    return;
  }
  let left = maxDrainedBytes;
  void reply.removeHeader('connection');
  raw.on('error', () => undefined);
  raw.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) raw.destroy();
  });
  raw.resume();
}

function durationsOf(registry: Registry): Histogram<'method' | 'route' | 'status'> {
  const name = 'http_server_request_duration_seconds';
  // Several applications of a process share one registry.
  const known = registry.getSingleMetric(name);
  if (known instanceof Histogram) return known;
  return new Histogram({
    name,
    help: 'Time from the request to the end of its answer.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [registry],
  });
}
