import { redisAnswer, type Redis } from '@tidegate/redis';

/** Who holds a durable subscription. One holder at a time; a newcomer takes it from the one before. */
export interface Leases {
  /** @throws AppError `unavailable` */
  take(group: string, holder: string): Promise<void>;
  /** Whether nobody held it. @throws AppError `unavailable` */
  takeIfFree(group: string, holder: string): Promise<boolean>;
  /** Undefined when somebody else holds it now; else what was left for the holder since. @throws AppError `unavailable` */
  renew(group: string, holder: string): Promise<string[] | undefined>;
  /** For whoever holds it. @throws AppError `unavailable` */
  leave(group: string, message: string): Promise<void>;
  /** Never rejects: what is not given back runs out. */
  release(group: string, holder: string): Promise<void>;
}

/** A holder that has not renewed its lease for so long has lost it. */
export const leaseMs = 15_000;
const messagesMs = 60_000;
const maxMessages = 100;

const renewScript = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return false end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local left = redis.call('LRANGE', KEYS[2], 0, -1)
redis.call('DEL', KEYS[2])
return left`;
const releaseScript = `if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end`;

/** Leases that all replicas share. */
export class RedisLeases implements Leases {
  constructor(private readonly redis: Redis) {}

  async take(group: string, holder: string): Promise<void> {
    await redisAnswer(this.redis.set(leaseKey(group), holder, 'PX', leaseMs));
  }

  async takeIfFree(group: string, holder: string): Promise<boolean> {
    return (await redisAnswer(this.redis.set(leaseKey(group), holder, 'PX', leaseMs, 'NX'))) === 'OK';
  }

  async renew(group: string, holder: string): Promise<string[] | undefined> {
    const keys = [leaseKey(group), messagesKey(group)] as const;
    const left = await redisAnswer(this.redis.eval(renewScript, 2, ...keys, holder, leaseMs));
    return Array.isArray(left) ? left.map(String) : undefined;
  }

  async leave(group: string, message: string): Promise<void> {
    const key = messagesKey(group);
    const left = this.redis.multi().rpush(key, message).ltrim(key, -maxMessages, -1).pexpire(key, messagesMs);
    await redisAnswer(left.exec());
  }

  async release(group: string, holder: string): Promise<void> {
    await this.redis.eval(releaseScript, 1, leaseKey(group), holder).catch(() => undefined);
  }
}

/** Leases of one process, for where there is no Redis. */
export class LocalLeases implements Leases {
  private readonly holders = new Map<string, string>();
  private readonly messages = new Map<string, string[]>();

  take(group: string, holder: string): Promise<void> {
    this.holders.set(group, holder);
    return Promise.resolve();
  }

  takeIfFree(group: string, holder: string): Promise<boolean> {
    const free = !this.holders.has(group);
    if (free) this.holders.set(group, holder);
    return Promise.resolve(free);
  }

  renew(group: string, holder: string): Promise<string[] | undefined> {
    if (this.holders.get(group) !== holder) return Promise.resolve(undefined);
    const left = this.messages.get(group) ?? [];
    this.messages.delete(group);
    return Promise.resolve(left);
  }

  leave(group: string, message: string): Promise<void> {
    this.messages.set(group, [...(this.messages.get(group) ?? []), message].slice(-maxMessages));
    return Promise.resolve();
  }

  release(group: string, holder: string): Promise<void> {
    if (this.holders.get(group) === holder) this.holders.delete(group);
    return Promise.resolve();
  }
}

/** In braces, so that a cluster keeps both keys in one place. */
function leaseKey(group: string): string {
  return `tidegate:durable:{${group}}:lease`;
}

function messagesKey(group: string): string {
  return `tidegate:durable:{${group}}:acks`;
}
