import type { FastifyInstance } from 'fastify';

export interface PageAccess {
  /** Exact `Origin` values. */
  allowedOrigins: readonly string[];
  /** Whether there is a door at a path. */
  isDoor: (path: string) => boolean;
}

const readable = 'Retry-After, RateLimit, RateLimit-Policy, X-Request-Id';
const preflight = {
  'access-control-allow-methods': 'GET, POST',
  'access-control-allow-headers': 'Authorization, Content-Type, DPoP, Last-Event-ID, X-Request-Id, traceparent',
  'access-control-max-age': '600',
};

/** Lets browsers give pages of the allowed origins what the doors answer (CORS). No cookie is ever meant. */
export function letPagesRead(fastify: FastifyInstance, { allowedOrigins, isDoor }: PageAccess): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    const path = request.url.split('?', 1)[0] ?? '';
    if (!isDoor(path)) return done();
    void reply.header('vary', 'Origin');
    const { origin } = request.headers;
    if (origin === undefined || !allowedOrigins.includes(origin)) return done();
    void reply.headers({ 'access-control-allow-origin': origin, 'access-control-expose-headers': readable });
    const asksFirst = request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined;
    if (!asksFirst) return done();
    void reply.code(204).headers(preflight).send();
  });
}
