import { z } from 'zod';
import { id, moment } from './field';

const count = z.number().int().nonnegative();
/** A Kafka offset: a decimal string, since it may be beyond what a double holds. */
const offset = z.string().regex(/^\d{1,19}$/);

/** What was read or written of a physical topic: `from` is the first offset, `to` the one after the last. */
const auditTopicSchema = z.object({
  topic: z.string().min(1),
  ranges: z.array(z.object({ partition: count, from: offset, to: offset })),
});

/** Who did it. `subject` is absent where nobody knows. */
const auditActorSchema = z.object({
  type: z.enum(['user', 'client', 'device', 'anonymous']),
  subject: id.optional(),
  tenant: id.optional(),
  roles: z.array(z.string()),
  /** How the actor was recognised. */
  method: z.enum(['none', 'bearer', 'api-key', 'device-token', 'certificate']),
  /** Names the credential and is none: a key id, a client id. */
  credentialId: id.optional(),
});

/** What it was done to. `streams` are virtual topics, or other resources of the policy; `topics` what is behind them. */
const auditResourceSchema = z.object({
  /** The pattern of the path, `/orders/:orderId`; `none` where nothing stands at it. */
  route: z.string().optional(),
  /** The values of the pattern's parameters. */
  ids: z.record(z.string(), z.string()).optional(),
  /** Names of query parameters; their values are never kept. */
  query: z.array(z.string()).optional(),
  streams: z.array(z.string()).optional(),
  /** `tenant/device`. */
  device: z.string().optional(),
  topics: z.array(auditTopicSchema).optional(),
});

/** Which process wrote the event, and its place among all that this process has seen, from 1. */
const auditWriterSchema = z.object({ app: id, boot: id, seq: z.number().int().positive() });

/** What happened, with the classification of OCSF's API Activity (class 6003). */
const auditActivitySchema = z.object({
  class_uid: z.literal(6003),
  category_uid: z.literal(6),
  activity_id: count,
  type_uid: count,
  severity_id: count,
  status_id: z.union([z.literal(1), z.literal(2)]),
  writer: auditWriterSchema,
  actor: auditActorSchema,
  action: z.enum(['read', 'write', 'manage']),
  api: z.object({ operation: z.string().min(1) }),
  resource: auditResourceSchema,
  /** `none`: it ended before anybody decided. */
  decision: z.enum(['allow', 'deny', 'none']),
  grants: z.array(z.string()),
  policyVersion: z.string().optional(),
  /** Of the rows that were looked at: those that went out, and those that this caller does not get. */
  rows: z.object({ given: count, heldBack: count }).optional(),
  /** HTTP status. */
  status: z.number().int().optional(),
  latencyMs: z.number().nonnegative().optional(),
  requestId: z.string().optional(),
  traceId: z.string().optional(),
  sessionId: z.string().optional(),
  src_endpoint: z.object({ ip: z.string() }).optional(),
  http_request: z.object({ user_agent: z.string() }).optional(),
  /** `ok`, the code of the error, or why the session ended. */
  outcome: z.string().min(1),
});

const auditTypes = [
  'tidegate.audit.request',
  'tidegate.audit.stream.start',
  'tidegate.audit.stream.minute',
  'tidegate.audit.stream.end',
  'tidegate.audit.stream.refused',
  'tidegate.audit.device.start',
  'tidegate.audit.device.minute',
  'tidegate.audit.device.end',
  'tidegate.audit.device.refused',
] as const;

const envelope = {
  specversion: z.literal('1.0'),
  /** A UUID of version 7. */
  id: z.uuid({ version: 'v7' }),
  /** `urn:tidegate:writer:<app>:<boot>`, also the Kafka key: the events of a writer stand in their order. */
  source: z.string().min(1),
  time: moment,
  datacontenttype: z.literal('application/json'),
};

/** A CloudEvents 1.0 event of `audit.events`, in structured mode. */
const auditActivityEventSchema = z.object({
  ...envelope,
  type: z.enum(auditTypes),
  data: auditActivitySchema,
});

/**
 * Says that `count` events from `seq` number `from` on are not in the log. Where the numbers of a writer jump, the event
 * behind the jump is one of these.
 */
const auditGapEventSchema = z.object({
  ...envelope,
  type: z.literal('tidegate.audit.gap'),
  data: z.object({
    writer: auditWriterSchema,
    gap: z.object({ from: z.number().int().positive(), count: z.number().int().positive() }),
  }),
});

/** Every event of `audit.events`. Later forms add fields; a reader ignores what it does not know. */
export const auditEventSchema = z.discriminatedUnion('type', [auditActivityEventSchema, auditGapEventSchema]);

/** An event as a row of a stream. Its `data` is not looked into here, so that later forms go out as they are. */
export const auditRowSchema = z.object({
  ...envelope,
  type: z.string().regex(/^tidegate\.audit\./),
  data: z.record(z.string(), z.unknown()),
});

export type AuditEvent = z.output<typeof auditEventSchema>;
export type AuditActivity = z.output<typeof auditActivitySchema>;
export type AuditActor = z.output<typeof auditActorSchema>;
export type AuditResource = z.output<typeof auditResourceSchema>;
export type AuditTopic = z.output<typeof auditTopicSchema>;
export type AuditType = (typeof auditTypes)[number];
