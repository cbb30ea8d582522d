import { AppError } from '@tidegate/errors';
import { redisAnswer, type Redis } from '@tidegate/redis';

const maxTries = 5;

/** One text that all replicas see. */
export interface SharedText {
  /** @throws AppError `unavailable` */
  read(): Promise<string | undefined>;
  /** False when somebody else was faster. @throws AppError `unavailable` */
  replace(before: string | undefined, after: string): Promise<boolean>;
}

/** Changes the text; tried again when another replica was faster. @throws AppError `unavailable`, and what `next` throws */
export async function changeText(text: SharedText, next: (before: string | undefined) => string): Promise<void> {
  for (let tries = 0; tries < maxTries; tries += 1) {
    const before = await text.read();
    if (await text.replace(before, next(before))) return;
  }
  throw new AppError('unavailable', 'Others change this at the same time; try again.', { retryAfterMs: 1_000 });
}

/** For one process without Redis; its end forgets it. */
export class LocalText implements SharedText {
  private text: string | undefined;

  read(): Promise<string | undefined> {
    return Promise.resolve(this.text);
  }

  replace(before: string | undefined, after: string): Promise<boolean> {
    if (this.text !== before) return Promise.resolve(false);
    this.text = after;
    return Promise.resolve(true);
  }
}

const replaceScript = `
if (redis.call('get', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('set', KEYS[1], ARGV[2])
return 1`;

export class RedisText implements SharedText {
  constructor(
    private readonly redis: Pick<Redis, 'get' | 'eval'>,
    private readonly key: string,
  ) {}

  async read(): Promise<string | undefined> {
    return (await redisAnswer(this.redis.get(this.key))) ?? undefined;
  }

  async replace(before: string | undefined, after: string): Promise<boolean> {
    return (await redisAnswer(this.redis.eval(replaceScript, 1, this.key, before ?? '', after))) === 1;
  }
}
