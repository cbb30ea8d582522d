import { defaultMaxFrameBytes, largestMaxFrameBytes } from '@tidegate/wire';
import { z } from 'zod';

const count = (fallback: number) => z.int().min(1).default(fallback);
const milliseconds = (fallback: number) => z.int().min(1).max(2_147_483_647).default(fallback);

/** What one connection may do, and how long it may take. */
export const connectionOptionsSchema = z.object({
  maxFrameBytes: z.int().min(1).max(largestMaxFrameBytes).default(defaultMaxFrameBytes),
  /** From the connection to the end of its Hello. */
  helloTimeoutMs: milliseconds(5_000),
  /** From the first byte of a frame to its last. */
  frameTimeoutMs: milliseconds(10_000),
  /** What a device may ask for; it is closed after 1.5 times that without a frame. */
  minKeepaliveS: count(30),
  maxKeepaliveS: count(1_200),
  /** For devices that ask for none. */
  defaultKeepaliveS: count(300),
  /** Frames and their bytes that may wait for Kafka; reading stops while they do. */
  windowFrames: count(64),
  windowBytes: count(262_144),
  backlogWindowFrames: count(16),
  /** Of one device. The buckets hold two seconds' worth. */
  framesPerSecond: count(2_000),
  bytesPerSecond: count(4_194_304),
  /** Bodies that cannot be decoded; one more within a minute ends the connection. */
  undecodablePerMinute: z.int().min(0).default(2),
  /** Answers that wait for a device that does not read. */
  maxUnreadBytes: count(262_144),
});

export type ConnectionOptions = z.output<typeof connectionOptionsSchema>;
