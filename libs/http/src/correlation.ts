import type { RequestContext } from '@tidegate/telemetry';
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** The caller's `X-Request-Id` if it can go into logs and headers as it is, else a new one. */
export function requestIdOf(headers: IncomingHttpHeaders): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
}

/** The trace and the caller's span of a W3C `traceparent`; nothing when it is not a good one. */
export function traceOf(headers: IncomingHttpHeaders): Pick<RequestContext, 'traceId' | 'parentSpanId'> {
  const given = headers['traceparent'];
  if (typeof given !== 'string' || given.length > 128) return {};
  // Later versions may add fields behind; version ff and ids of zeros are invalid.
  const parts = /^(?!ff)([\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-[\da-f]{2}(-.*)?$/.exec(given);
  const [, version, traceId, parentSpanId, more] = parts ?? [];
  if (traceId === undefined || parentSpanId === undefined || (version === '00' && more !== undefined)) return {};
  return { traceId, parentSpanId };
}
