import { z } from 'zod';

/** The WebSocket subprotocol of the frames below. */
export const subprotocol = 'tidegate.v1';

/** WebSocket close codes; those from 4400 are ours. */
export const closeCodes = {
  goingAway: 1001,
  messageTooBig: 1009,
  restart: 1012,
  badMessage: 4400,
  tokenExpired: 4401,
  accessWithdrawn: 4403,
  tooSlow: 4408,
  taken: 4409,
  limit: 4429,
} as const;

const stream = z.string().min(1).max(128);
const cursor = z.string().min(1).max(4096);

const subscribe = z.strictObject({
  t: z.literal('sub'),
  s: stream,
  after: cursor.optional(),
  from: z.string().min(1).max(64).optional(),
  mode: z.string().max(64).optional(),
  where: z.string().min(1).max(4096).optional(),
  sub: z.string().min(1).max(128).optional(),
  delivery: z.enum(['at-least-once', 'at-most-once']).optional(),
});

/** What a client may send; anything else is a bad message. */
export const clientFrameSchema = z.discriminatedUnion('t', [
  subscribe,
  z.strictObject({ t: z.literal('unsub'), s: stream }),
  z.strictObject({ t: z.literal('ack'), s: stream, c: cursor }),
  z.strictObject({ t: z.literal('auth'), token: z.string().min(1).max(8_192) }),
]);
export type ClientFrame = z.output<typeof clientFrameSchema>;

const row = z.record(z.string(), z.unknown());

/** What the server sends, by its `t`. A client ignores fields that it does not know. */
export const serverFrames = {
  hello: z.object({ t: z.literal('hello'), session: z.string(), heartbeatSeconds: z.number() }),
  rows: z.object({ t: z.literal('rows'), s: z.string(), c: z.string(), r: z.array(row) }),
  gone: z.object({ t: z.literal('gone'), s: z.string(), c: z.string(), k: z.array(z.array(z.unknown())) }),
  gap: z.object({ t: z.literal('gap'), s: z.string(), reason: z.string(), c: z.string() }),
  'caught-up': z.object({ t: z.literal('caught-up'), s: z.string(), c: z.string() }),
  expiring: z.object({ t: z.literal('expiring'), inSeconds: z.number() }),
  error: z.object({ t: z.literal('error'), code: z.string(), detail: z.string(), s: z.string().optional() }),
  bye: z.object({ t: z.literal('bye'), code: z.string(), retryMs: z.number() }),
} as const;
export type ServerFrame = {
  [T in keyof typeof serverFrames]: z.output<(typeof serverFrames)[T]>;
}[keyof typeof serverFrames];
