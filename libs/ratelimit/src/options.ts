import { isProxy } from '@tidegate/auth';
import { z } from 'zod';

/** The part of the options that an app takes from its environment. */
export const rateLimitOptionsSchema = z.object({
  /** Addresses or subnets of the proxies in front, whose `X-Forwarded-For` is believed. */
  trustedProxies: z
    .array(z.string().refine(isProxy, 'expected addresses or subnets such as 10.0.0.0/8'))
    .exactOptional(),
  /** How many replicas share the limits while Redis is down, as long as it never told. */
  replicas: z.int().min(1).max(10_000).exactOptional(),
  /** A call to Redis that takes longer is counted in the process instead. */
  redisTimeoutMs: z.int().min(5).max(10_000).exactOptional(),
});

export interface RateLimitOptions extends z.input<typeof rateLimitOptionsSchema> {
  /** Whose counts these are: apps with different names share none. */
  app: string;
  /** Path of the app's `limits.yaml`. */
  limitsFile: string;
  /** What routes count against that name nothing themselves. */
  defaults?: readonly string[];
}
