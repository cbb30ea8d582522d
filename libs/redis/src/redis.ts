import { AppError } from '@tidegate/errors';
import type { Logger } from '@tidegate/telemetry';
import { Redis } from 'ioredis';
import { z } from 'zod';

export const redisOptionsSchema = z.object({
  url: z.string().regex(/^rediss?:\/\/\S+$/, 'must start with redis:// or rediss://'),
  connectTimeoutMs: z.number().int().min(50).max(60_000).default(2_000),
  /** After this long a command fails rather than make its caller wait. */
  commandTimeoutMs: z.number().int().min(5).max(60_000).default(250),
});

export type RedisOptions = z.input<typeof redisOptionsSchema>;

export interface RedisDeps {
  logger: Logger;
}

const firstRetryMs = 50;
const maxRetryMs = 2_000;
/** A connection on which commands were sent and nothing came back for this long is half-open: make a new one. */
const silentSocketMs = 5_000;
const closeTimeoutMs = 1_000;

/**
 * A client that fails fast while Redis is away and reconnects by itself for ever. Nothing is queued for later and nothing is sent twice: a
 * counter that is moved minutes late would count in the wrong window.
 */
export function createRedis(options: RedisOptions, { logger }: RedisDeps): Redis {
  const { url, connectTimeoutMs, commandTimeoutMs } = redisOptionsSchema.parse(options);
  const redis = new Redis(url, {
    connectTimeout: connectTimeoutMs,
    commandTimeout: commandTimeoutMs,
    socketTimeout: silentSocketMs,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (attempt) =>
      Math.min(firstRetryMs * 2 ** Math.min(attempt, 10), maxRetryMs) * (0.8 + Math.random() * 0.4),
    // A replica that was promoted elsewhere refuses writes: connect again, to the new primary behind the same name.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  logTransitions(redis, logger);
  return redis;
}

/** Ends the connection in order, or by force where Redis does not answer. Never rejects. */
export async function closeRedis(redis: Redis): Promise<void> {
  if (redis.status !== 'ready') return redis.disconnect();
  const late = setTimeout(() => redis.disconnect(), closeTimeoutMs);
  await redis.quit().catch(() => redis.disconnect());
  clearTimeout(late);
}

/** What a failed command means for its caller. A write whose answer did not come may have been done. */
export function redisError(error: unknown): AppError {
  if (AppError.is(error)) return error;
  if (error instanceof Error && error.name === 'ReplyError') return AppError.from(error);
  const timedOut = error instanceof Error && error.message === 'Command timed out';
  return new AppError('unavailable', 'Redis is not available at the moment.', {
    cause: error,
    retryAfterMs: 1_000,
    ...(timedOut && { outcome: 'unknown' as const }),
  });
}

/** What Redis answers a command. @throws AppError as `redisError` makes it */
export async function redisAnswer<T>(command: Promise<T>): Promise<T> {
  try {
    return await command;
  } catch (error) {
    throw redisError(error);
  }
}

/** The listener also keeps an `error` event from ending the process. */
function logTransitions(redis: Redis, logger: Logger): void {
  let away = false;
  redis.on('error', (error: Error) => {
    if (!away) logger.warn({ err: error }, 'Redis is not reachable');
    away = true;
  });
  redis.on('ready', () => {
    if (away) logger.info('Redis is reachable again');
    away = false;
  });
}
