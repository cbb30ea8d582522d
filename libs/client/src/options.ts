import type { StreamError } from './stream-error';

export type StreamState =
  | { state: 'connecting' }
  | { state: 'open'; transport: 'websocket' | 'sse' }
  /** The connection is lost; the next one is made after so long. */
  | { state: 'waiting'; forMs: number; reason: string }
  /** Over for good: closed by us, or because of the error. */
  | { state: 'closed'; error?: StreamError };

/** Callbacks run one after another. One that throws ends the stream: what it did not take is not passed over. */
export interface FollowOptions<Row = Record<string, unknown>> {
  /** Where the doors stand: `https://web.example.com`. */
  url: string;
  stream: string;
  /** A fresh access token, for each connection and for one whose token expires. */
  token: () => string | Promise<string>;
  /** A cursor to go on from; goes before `from`. */
  after?: string;
  /** `latest` (the default), `earliest`, or an RFC 3339 time. */
  from?: string;
  mode?: 'events' | 'latest';
  /** A condition over `row`, in CEL. */
  where?: string;
  /** Keeps the position at the server under this name; move it by `ack`. */
  sub?: string;
  delivery?: 'at-least-once' | 'at-most-once';
  /** `auto` takes Server-Sent Events for a connection where a WebSocket cannot be had. */
  transport?: 'auto' | 'websocket' | 'sse';
  /** Never empty. The cursor is the position after them. */
  onRows: (rows: Row[], cursor: string) => void;
  /** Keys of entities that were deleted, or that left the view in `mode: 'latest'`. */
  onGone?: (keys: unknown[][], cursor: string) => void;
  /** Something before this point cannot be had. */
  onGap?: (reason: string, cursor: string) => void;
  /** Replay or snapshot is over; live from here. */
  onCaughtUp?: (cursor: string) => void;
  onState?: (state: StreamState) => void;
  /** A request on an open stream was refused, or nothing new can be had for a while (`unavailable`); it goes on. */
  onRefused?: (error: StreamError) => void;
  /** `JSON.parse` by default, which rounds long numbers. */
  parse?: (text: string) => unknown;
  /** Pauses between connections double from here to there, less a random part of up to a half; 500 and 30,000 by default. */
  firstPauseMs?: number;
  longestPauseMs?: number;
}
