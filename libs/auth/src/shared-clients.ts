import { redisError, type Redis } from '@tidegate/redis';

/** One text that all replicas see: what was added to the file of API keys, and what was taken from it. */
export interface SharedClients {
  /** @throws AppError `unavailable` */
  read(): Promise<string | undefined>;
  /** False when somebody else was faster. @throws AppError `unavailable` */
  replace(before: string | undefined, after: string): Promise<boolean>;
}

/** For one process without Redis; its end forgets it. */
export class LocalClients implements SharedClients {
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

const key = 'tidegate:api-keys';
const replaceScript = `
if (redis.call('get', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('set', KEYS[1], ARGV[2])
return 1`;

export class RedisClients implements SharedClients {
  constructor(private readonly redis: Pick<Redis, 'get' | 'eval'>) {}

  async read(): Promise<string | undefined> {
    try {
      return (await this.redis.get(key)) ?? undefined;
    } catch (error) {
      throw redisError(error);
    }
  }

  async replace(before: string | undefined, after: string): Promise<boolean> {
    try {
      return (await this.redis.eval(replaceScript, 1, key, before ?? '', after)) === 1;
    } catch (error) {
      throw redisError(error);
    }
  }
}
