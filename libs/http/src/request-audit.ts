import { auditNotes, requestEntry, type AuditLog } from '@tidegate/audit';
import type { Principal } from '@tidegate/auth';
import type { ErrorCode } from '@tidegate/errors';
import { requestContext, type RequestContext } from '@tidegate/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { codeOfStatus } from './http-status';

const codes = new WeakMap<FastifyRequest, ErrorCode>();
// What proxies call a request whose client left before it got an answer.
const clientGone = 499;

/** Keeps the code of the error that a request was answered with, for its audit event. */
export function noteCode(request: FastifyRequest, code: ErrorCode): void {
  codes.set(request, code);
}

/** One event for each request, answered or not, once its connection is done with it. */
export class RequestAudit {
  /** Set where the application has an audit log. */
  log: AuditLog | undefined;
  private readonly watched = new WeakSet<FastifyRequest>();

  watch(request: FastifyRequest, reply: FastifyReply, context = requestContext.get()): void {
    if (this.log === undefined || this.watched.has(request)) return;
    this.watched.add(request);
    const address = request.ip;
    // Not the hook for answers: that one does not hear of clients that leave.
    reply.raw.once('close', () => this.log?.record(() => entryOf(request, reply, address, context)));
  }
}

function entryOf(
  request: FastifyRequest & { user?: Principal },
  reply: FastifyReply,
  address: string,
  context: RequestContext | undefined,
) {
  const { raw } = reply;
  // A stream is taken over from Fastify and ends when either side likes.
  const complete = raw.writableFinished || (raw.headersSent && !raw.writableEnded && reply.sent);
  const status = complete || raw.headersSent ? raw.statusCode : clientGone;
  return requestEntry({
    method: request.method,
    route: request.is404 ? undefined : request.routeOptions.url,
    params: request.is404 ? {} : (request.params as Record<string, string>),
    queryNames: Object.keys(request.query ?? {}),
    principal: request.user,
    status,
    outcome: complete ? outcomeOf(request, status) : 'client_gone',
    latencyMs: reply.elapsedTime,
    requestId: request.id,
    traceId: context?.traceId,
    address,
    userAgent: request.headers['user-agent'],
    notes: auditNotes.of(context),
  });
}

function outcomeOf(request: FastifyRequest, status: number): string {
  return codes.get(request) ?? (status < 400 ? 'ok' : codeOfStatus(status));
}
