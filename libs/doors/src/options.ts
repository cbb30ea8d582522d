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
  /** Larger frames from a client close its connection with 1009. A token, and a cursor with a filter, take up to 8 KiB. */
  maxFrameBytes: count(16 * 1024),
  /** Pings count too. */
  messagesPerSecond: count(10),
  messageBurst: count(20),
  /** The bad message that closes the connection. */
  badMessages: count(10),
  subscriptions: count(32),
  /** WebSocket and SSE connections of this process. */
  connections: count(20_000),
  /** Of one caller: a token that got into wrong hands keeps nobody else out. */
  connectionsPerCaller: count(10_000),
  /** How long a peer may take over its part of the close before the socket is cut. */
  closeTimeoutMs: count(5_000),
  /** What SSE clients wait before they reconnect by themselves. */
  retryMs: count(3_000),
  /** What WebSocket clients are told to wait is spread over this. */
  retrySpreadMs: count(5_000),
  /** At a shutdown streams end over so long, all at once when they are few. */
  drainMs: count(3_000),
});

export type DoorsSettings = z.output<typeof doorsOptionsSchema>;
export type DoorsOptions = z.input<typeof doorsOptionsSchema>;

/** Injection token of the settings. */
export const SETTINGS = Symbol('tidegate.doors.settings');

/** Injection token of the streams that have a path of their own. */
export const PATHS = Symbol('tidegate.doors.paths');
