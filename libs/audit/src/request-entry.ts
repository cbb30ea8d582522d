import type { Principal } from '@tidegate/auth';
import type { AuditResource } from '@tidegate/contracts';
import type { ErrorCode } from '@tidegate/errors';
import { actorOf } from './actor';
import { cleanId, cleanName, cleanText } from './clean';
import type { AuditEntry } from './event';
import type { AuditNotes } from './notes';

/** What the HTTP edge knows of one request. */
export interface RequestFacts {
  method: string;
  /** The pattern of the path, never the path itself; undefined where nothing stands at it. */
  route: string | undefined;
  params?: Readonly<Record<string, string | undefined>>;
  queryNames?: readonly string[];
  principal: Principal | undefined;
  status: number;
  /** `ok`, the code of the error, or `client_gone`. */
  outcome: string;
  latencyMs: number;
  requestId: string;
  traceId?: string | undefined;
  address?: string | undefined;
  userAgent?: string | undefined;
  notes?: AuditNotes | undefined;
}

// What a caller learns nothing from: missing and foreign look alike, so both count as refused.
const denials: ReadonlySet<string> = new Set<ErrorCode>([
  'unauthenticated',
  'permission_denied',
  'not_found',
  'rate_limited',
  'foreign_cursor',
]);
const undecided: ReadonlySet<string> = new Set<ErrorCode>([
  'malformed',
  'too_large',
  'unsupported_media_type',
  'method_not_allowed',
]);
const readMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'WEBSOCKET']);
/** More parameters than any route has. */
const maxNames = 16;

/** What a frame on an open connection asked for. */
export interface RefusedStream {
  principal: Principal;
  /** As the client wrote it; none for a token that was to take the place of the first. */
  stream: string | undefined;
  code: ErrorCode;
  requestId?: string;
  traceId?: string;
}

/** The event of a frame that was denied; undefined when it failed for another reason. */
export function refusedStreamEntry(refused: RefusedStream): AuditEntry | undefined {
  const { principal, stream, code, requestId, traceId } = refused;
  if (!denials.has(code)) return undefined;
  return {
    type: 'stream.refused',
    operation: stream === undefined ? 'stream.auth' : 'stream.subscribe',
    actor: actorOf(principal),
    action: 'read',
    resource: stream === undefined ? {} : { streams: [cleanId(stream)] },
    decision: 'deny',
    grants: [],
    ...(requestId !== undefined && { requestId: cleanText(requestId, 128) }),
    ...(traceId !== undefined && { traceId }),
    outcome: code,
  };
}

/** The event of one request. Of what the client chose freely, only what cannot be a credential gets in. */
export function requestEntry(facts: RequestFacts): AuditEntry {
  const { method, status, outcome, latencyMs, requestId, traceId, address, userAgent, notes } = facts;
  return {
    type: 'request',
    operation: `${/^[A-Z]{1,16}$/.test(method) ? method : 'OTHER'} ${facts.route ?? 'none'}`,
    actor: actorOf(facts.principal),
    action: readMethods.has(method) ? 'read' : 'write',
    resource: resourceOf(facts),
    decision: decisionOf(facts),
    grants: [...(notes?.grants ?? [])],
    ...(notes?.policyVersion !== undefined && { policyVersion: notes.policyVersion }),
    ...(notes?.rows !== undefined && { rows: notes.rows }),
    status,
    latencyMs: Math.round(latencyMs * 10) / 10,
    requestId: cleanText(requestId, 128),
    ...(traceId !== undefined && { traceId }),
    outcome,
    ...(address !== undefined && { address }),
    ...(userAgent !== undefined && { userAgent: cleanText(userAgent, 256) }),
  };
}

function resourceOf({ route = 'none', params = {}, queryNames = [], notes }: RequestFacts): AuditResource {
  const ids = Object.entries(params).flatMap(([name, value]) => (value ? [[name, cleanId(value)] as const] : []));
  const query = [...new Set(queryNames.slice(0, maxNames).map(cleanName))];
  return {
    route,
    ...(ids.length > 0 && { ids: Object.fromEntries(ids) }),
    ...(query.length > 0 && { query }),
    ...(notes !== undefined && notes.streams.size > 0 && { streams: [...notes.streams] }),
    ...(notes !== undefined && notes.topics.length > 0 && { topics: notes.topics }),
  };
}

function decisionOf({ outcome, principal }: RequestFacts): AuditEntry['decision'] {
  if (denials.has(outcome)) return 'deny';
  return undecided.has(outcome) && principal === undefined ? 'none' : 'allow';
}
