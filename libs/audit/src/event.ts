import type { AuditActivity, AuditEvent, AuditType } from '@tidegate/contracts';
import { randomUUID } from 'node:crypto';

type Classified = 'class_uid' | 'category_uid' | 'activity_id' | 'type_uid' | 'severity_id' | 'status_id';
type NameOf<Type> = Type extends `tidegate.audit.${infer Name}` ? Name : never;

/** What an app knows of something that happened; the log adds who wrote it, when, and its number. */
export interface AuditEntry extends Omit<
  AuditActivity,
  Classified | 'writer' | 'api' | 'src_endpoint' | 'http_request'
> {
  /** `request`, `stream.start`, … */
  type: NameOf<AuditType>;
  /** `GET /orders/:orderId`, `stream.start`: what was called. */
  operation: string;
  /** The peer's address. */
  address?: string;
  userAgent?: string;
}

/** Where and when an event is written. */
export interface Stamp {
  app: string;
  boot: string;
  seq: number;
  timeMs: number;
}

const apiActivity = 6003;
// OCSF: 1 create, 2 read, 3 update.
const activityIds = { write: 1, read: 2, manage: 3 } as const;
const informational = 1;
const low = 2;

/** The Kafka key of a writer's events, and their `source`. */
export function writerName({ app, boot }: Pick<Stamp, 'app' | 'boot'>): string {
  return `urn:tidegate:writer:${app}:${boot}`;
}

export function activityEvent(entry: AuditEntry, stamp: Stamp): AuditEvent {
  const { type, operation, address, userAgent, ...activity } = entry;
  const activityId = activityIds[entry.action];
  return {
    ...envelopeOf(stamp),
    type: `tidegate.audit.${type}`,
    data: {
      class_uid: apiActivity,
      category_uid: 6,
      activity_id: activityId,
      type_uid: apiActivity * 100 + activityId,
      severity_id: entry.decision === 'deny' ? low : informational,
      status_id: succeeded(entry) ? 1 : 2,
      writer: writerOf(stamp),
      ...activity,
      api: { operation },
      ...(address !== undefined && { src_endpoint: { ip: address } }),
      ...(userAgent !== undefined && { http_request: { user_agent: userAgent } }),
    },
  };
}

/** In place of `count` events from number `from` on. */
export function gapEvent(gap: { from: number; count: number }, stamp: Stamp): AuditEvent {
  return { ...envelopeOf(stamp), type: 'tidegate.audit.gap', data: { writer: writerOf(stamp), gap } };
}

/** A UUID of version 7: the time, then chance. */
export function uuid7(timeMs: number): string {
  const time = timeMs.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}

function envelopeOf(stamp: Stamp) {
  return {
    specversion: '1.0' as const,
    id: uuid7(stamp.timeMs),
    source: writerName(stamp),
    time: new Date(stamp.timeMs).toISOString(),
    datacontenttype: 'application/json' as const,
  };
}

function writerOf({ app, boot, seq }: Stamp) {
  return { app, boot, seq };
}

function succeeded({ decision, status = 200 }: AuditEntry): boolean {
  return decision !== 'deny' && status < 400;
}
