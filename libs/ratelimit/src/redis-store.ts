import type { Limit } from '@tidegate/catalog';
import type { Redis } from '@tidegate/redis';
import { createHash } from 'node:crypto';
import type { Charge, LimitStore, Verdict } from './admission';
import { maxAheadUs } from './meter';
import { chargeScript, giveBackScript, heartbeatScript } from './redis-script';

export interface RedisStoreOptions {
  redis: Pick<Redis, 'evalsha' | 'eval' | 'zrem'>;
  /** Counts of one app, in one slot of a cluster: the keys of a call must share it. */
  app: string;
  /** A call that takes longer fails. */
  timeoutMs: number;
}

const signLastsSeconds = 15;
/**
 * A call that Redis comes to later than this after it was sent (because it was stopped, or the network was) counts
 * nothing: its request was counted elsewhere long ago.
 */
const staleUs = 1_000_000;

/** Counts in Redis, for all replicas together. */
export class RedisStore implements LimitStore {
  private readonly prefix: string;
  /** How far the clock of Redis is ahead of ours, by its last answer. */
  private clockAheadUs: number | undefined;
  private readonly timeoutMs: number;

  constructor(private readonly options: RedisStoreOptions) {
    this.prefix = `tidegate:limits:{${options.app}}:`;
    this.timeoutMs = options.timeoutMs;
  }

  /** @throws when Redis fails, or does not answer in time */
  async charge(charges: readonly Charge[]): Promise<Verdict> {
    const call = charge.run(this.options.redis, this.keysOf(charges), [
      this.deadlineUs(),
      maxAheadUs,
      ...charges.flatMap(({ limit }) => argumentsOf(limit)),
    ]);
    const answer = (await this.inTime(call.then((given) => this.learnClock(given as number[])))) as [number, number];
    if (answer[0] === -1) throw new Error('the call came to Redis too late');
    const verdict = verdictOf(answer);
    if (!verdict.admitted || verdict.waitUs === 0) return verdict;
    return { ...verdict, giveBack: () => this.giveBack(charges, answer[1] + verdict.waitUs) };
  }

  /** Answers how many replicas are alive. */
  async heartbeat(replica: string): Promise<number> {
    return (await this.inTime(
      heartbeat.run(this.options.redis, [`${this.prefix}replicas`], [replica, signLastsSeconds]),
    )) as number;
  }

  async signOff(replica: string): Promise<void> {
    await this.inTime(this.options.redis.zrem(`${this.prefix}replicas`, replica));
  }

  private async giveBack(charges: readonly Charge[], startUs: number): Promise<void> {
    const args = charges.flatMap(({ limit }) => [limit.kind, limit.kind === 'rate' ? limit.intervalUs : 0]);
    await this.inTime(giveBack.run(this.options.redis, this.keysOf(charges), [startUs, ...args]));
  }

  private keysOf(charges: readonly Charge[]): string[] {
    return charges.map(({ limit, key }) => `${this.prefix}${limit.kind}:${limit.name}:${digest(key)}`);
  }

  private deadlineUs(): number {
    return this.clockAheadUs === undefined ? 0 : Math.round(monotonicUs() + this.clockAheadUs) + staleUs;
  }

  private learnClock(answer: number[]): number[] {
    this.clockAheadUs = (answer[1] ?? 0) - monotonicUs();
    return answer;
  }

  private inTime<T>(call: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        // After a pause of our own, what came meanwhile is read first.
        setImmediate(() => reject(new Error(`Redis did not answer within ${this.timeoutMs} ms`)));
      }, this.timeoutMs);
      call.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }
}

/** A script that Redis has under its hash, and is told again when it has forgotten it. */
class Script {
  private readonly hash: string;

  constructor(private readonly text: string) {
    this.hash = createHash('sha1').update(text).digest('hex');
  }

  async run(
    redis: Pick<Redis, 'evalsha' | 'eval'>,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    try {
      return await redis.evalsha(this.hash, keys.length, ...keys, ...args);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return redis.eval(this.text, keys.length, ...keys, ...args);
    }
  }
}

const charge = new Script(chargeScript);
const giveBack = new Script(giveBackScript);
const heartbeat = new Script(heartbeatScript);

function argumentsOf(limit: Limit): (string | number)[] {
  const { maxWaitMs = 0, maxWaiting = 0 } = limit.queue ?? {};
  const numbers =
    limit.kind === 'rate' ? [limit.intervalUs, (limit.burst - 1) * limit.intervalUs] : [limit.max, limit.windowSeconds];
  return [limit.kind, ...numbers, maxWaitMs * 1_000, maxWaiting];
}

function verdictOf([admitted, , waitUs = 0, ...standings]: number[]): Verdict {
  return {
    admitted: admitted === 1,
    waitUs,
    standings: Array.from({ length: standings.length / 2 }, (_, index) => ({
      remaining: standings[index * 2] ?? 0,
      moreInUs: standings[index * 2 + 1] ?? 0,
    })),
  };
}

/** Keys of one length, without what names a person. */
function digest(key: string): string {
  return createHash('sha256').update(key).digest('base64url').slice(0, 22);
}

function monotonicUs(): number {
  return performance.now() * 1_000;
}
