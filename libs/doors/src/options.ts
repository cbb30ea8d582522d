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
  /** Pings, spread over the connections; a peer that has not answered by the next one is cut. */
  pingMs: count(25_000),
  /** SSE comments, so that proxies see life. */
  commentMs: count(15_000),
  /** Larger frames from a client close its connection with 1009. */
  maxFrameBytes: count(4 * 1024),
  messagesPerSecond: count(10),
  messageBurst: count(20),
  /** The bad message that closes the connection. */
  badMessages: count(10),
  subscriptions: count(32),
  /** WebSocket and SSE connections of this process. */
  connections: count(20_000),
  /** How long a peer may take over its part of the close before the socket is cut. */
  closeTimeoutMs: count(5_000),
  /** What SSE clients wait before they reconnect by themselves. */
  retryMs: count(3_000),
});

export type DoorsSettings = z.output<typeof doorsOptionsSchema>;
export type DoorsOptions = z.input<typeof doorsOptionsSchema>;
