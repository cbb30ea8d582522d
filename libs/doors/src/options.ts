import { z } from 'zod';

const count = (value: number) => z.number().int().positive().default(value);

/** A stream that has a path of its own: `{ path: '/orders/stream', stream: 'orders' }`. */
export interface StreamPath {
  path: string;
  stream: string;
}

/** How the doors behave. Sizes are bytes, times milliseconds. */
export const doorsOptionsSchema = z.object({
  /** Exact `Origin` values of the browsers that may connect; a client that sends none is no browser. */
  allowedOrigins: z.array(z.string()).default([]),
  pingMs: count(25_000),
  pongTimeoutMs: count(10_000),
  /** SSE comments, so that a proxy sees life. */
  commentMs: count(15_000),
  maxFrameBytes: count(4 * 1024),
  messagesPerSecond: count(10),
  messageBurst: count(20),
  badMessages: count(10),
  subscriptions: count(32),
  /** Connections of all WebSockets of this process. */
  connections: count(20_000),
  /** How long a peer has to answer the close before the socket is cut. */
  closeTimeoutMs: count(5_000),
});

export type DoorsSettings = z.output<typeof doorsOptionsSchema>;
export type DoorsOptions = z.input<typeof doorsOptionsSchema>;
