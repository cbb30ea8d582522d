import { z } from 'zod';

const count = (value: number) => z.number().int().positive().default(value);

/** Every bound of a hub. Sizes are bytes, times milliseconds. */
export const streamLimitsSchema = z.object({
  /** Rows are gathered this long before a session gets them in one call. */
  tickMs: count(15),
  heartbeatMs: count(25_000),
  /** How long before its end a caller is told that the token expires. */
  expiryNoticeMs: count(60_000),
  /** A tail that nobody uses any more is kept this long, so that a client that comes back finds it warm. */
  tailLingerMs: count(60_000),
  /** How often topics are looked for that a pattern fits, or that are not there yet. */
  topicsPollMs: count(10_000),
  /** Of a stream with patterns. */
  maxTopics: count(100),
  ringRecords: count(10_000),
  ringBytes: count(16 * 1024 * 1024),
  /** All rings of the process together. */
  ringsTotalBytes: count(256 * 1024 * 1024),
  rangeReadBytes: count(256 * 1024),
  rangeReads: count(8),
  /** Rows in one call to a sink stop growing at this size; one larger row still goes alone. */
  batchBytes: count(64 * 1024),
  /** A session whose sink holds more than this gets nothing until that has drained. */
  highWaterBytes: count(64 * 1024),
  /** All sinks together; above it, the fullest session is closed. */
  bufferedTotalBytes: count(256 * 1024 * 1024),
  /** A sink that stays above its high water for this long is too slow. */
  maxBlockedMs: count(5_000),
  /** The same where last values are conflated for it, of a sink that takes nothing at all. */
  maxStalledMs: count(120_000),
  /** Different filters of clients at a time, by stream. */
  maxFilters: count(1_000),
  /** How long a session waits for last values that are being loaded. */
  warmingWaitMs: count(1_000),
  /** A session that was live and cannot get back to it for this long is too slow. */
  maxLagMs: count(30_000),
  /** A durable position is committed at most so often. */
  commitMs: count(1_000),
  /** How often the audit of a session says how much it got. */
  summaryMs: count(60_000),
  /** What clients are told to wait before they reconnect is spread over this. */
  retrySpreadMs: count(5_000),
});

export type StreamLimits = z.output<typeof streamLimitsSchema>;
