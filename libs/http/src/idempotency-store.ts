import { AppError } from '@tidegate/errors';
import { redisAnswer, type Redis } from '@tidegate/redis';

/** Who may go on with a request that carries a key. */
export type Claim =
  | { kind: 'claimed' }
  /** The first request with this key is still being answered. */
  | { kind: 'running' }
  /** The key came with another request before. */
  | { kind: 'mismatch' }
  | { kind: 'answered'; answer: string };

export interface Claimant {
  /** The key and whose it is. */
  id: string;
  fingerprint: string;
  /** Tells this attempt from others, so that one that is late changes nothing. */
  attempt: string;
}

/** Remembers keys for 24 h from their first request. */
export interface IdempotencyStore {
  /** Takes the key for `leaseMs`, after which an attempt that fell silent is given up. */
  claim(claimant: Claimant, leaseMs: number): Promise<Claim>;
  answered(claimant: Claimant, answer: string): Promise<void>;
  /** Nothing was done, so that the key is as new. */
  forget(claimant: Claimant): Promise<void>;
  /** Nobody knows what was done: the same request may come again, another one may not. */
  reopen(claimant: Claimant): Promise<void>;
}

const keptMs = 24 * 3_600_000;

interface Entry {
  fingerprint: string;
  attempt?: string;
  leaseEndsMs: number;
  answer?: string;
  endsMs: number;
}

/** For one process without Redis. Full, it takes no new key before an old one ends. */
export class MemoryIdempotencyStore implements IdempotencyStore {
  private readonly entries = new Map<string, Entry>();

  constructor(private readonly options: { maxKeys?: number; now?: () => number } = {}) {}

  claim({ id, fingerprint, attempt }: Claimant, leaseMs: number): Promise<Claim> {
    const nowMs = this.nowMs();
    this.dropEnded(nowMs);
    const known = this.entries.get(id);
    if (known !== undefined && known.fingerprint !== fingerprint) return Promise.resolve({ kind: 'mismatch' });
    if (known?.answer !== undefined) return Promise.resolve({ kind: 'answered', answer: known.answer });
    if (known !== undefined && known.leaseEndsMs > nowMs) return Promise.resolve({ kind: 'running' });
    if (known === undefined && this.entries.size >= (this.options.maxKeys ?? 100_000)) {
      return Promise.reject(new AppError('unavailable', 'Too many idempotency keys are in use; nothing was done.'));
    }
    const endsMs = known?.endsMs ?? nowMs + keptMs;
    this.entries.set(id, { fingerprint, attempt, leaseEndsMs: nowMs + leaseMs, endsMs });
    return Promise.resolve({ kind: 'claimed' });
  }

  answered(claimant: Claimant, answer: string): Promise<void> {
    const entry = this.held(claimant);
    if (entry !== undefined) entry.answer = answer;
    return Promise.resolve();
  }

  forget(claimant: Claimant): Promise<void> {
    if (this.held(claimant) !== undefined) this.entries.delete(claimant.id);
    return Promise.resolve();
  }

  reopen(claimant: Claimant): Promise<void> {
    const entry = this.held(claimant);
    if (entry !== undefined) entry.leaseEndsMs = 0;
    return Promise.resolve();
  }

  private held({ id, attempt }: Claimant): Entry | undefined {
    const entry = this.entries.get(id);
    return entry?.attempt === attempt ? entry : undefined;
  }

  // All are kept equally long, so the oldest end first.
  private dropEnded(nowMs: number): void {
    for (const [id, { endsMs }] of this.entries) {
      if (endsMs > nowMs) return;
      this.entries.delete(id);
    }
  }

  private nowMs(): number {
    return this.options.now?.() ?? Date.now();
  }
}

// f: fingerprint, a: answer, o: the attempt that holds the key, u: until when by the clock of Redis.
const claimScript = `
local entry = redis.call('HMGET', KEYS[1], 'f', 'a', 'u')
if entry[1] and entry[1] ~= ARGV[1] then return {'mismatch'} end
if entry[2] then return {'answered', entry[2]} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if entry[3] and tonumber(entry[3]) > now then return {'running'} end
redis.call('HSET', KEYS[1], 'f', ARGV[1], 'o', ARGV[2], 'u', string.format('%.0f', now + ARGV[3]))
if not entry[1] then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
return {'claimed'}`;

const ifHeld = (work: string) => `
if redis.call('HGET', KEYS[1], 'o') ~= ARGV[1] then return 0 end
${work}
return 1`;

const answeredScript = ifHeld(`redis.call('HSET', KEYS[1], 'a', ARGV[2])\nredis.call('HDEL', KEYS[1], 'o', 'u')`);
const forgetScript = ifHeld(`redis.call('DEL', KEYS[1])`);
const reopenScript = ifHeld(`redis.call('HDEL', KEYS[1], 'o', 'u')`);

/** For all replicas. */
export class RedisIdempotencyStore implements IdempotencyStore {
  constructor(
    private readonly redis: Pick<Redis, 'eval'>,
    private readonly prefix = 'tidegate:idempotency:',
  ) {}

  async claim({ id, fingerprint, attempt }: Claimant, leaseMs: number): Promise<Claim> {
    const reply = (await this.run(claimScript, id, fingerprint, attempt, leaseMs, keptMs)) as [Claim['kind'], string?];
    const [kind, answer] = reply;
    return kind === 'answered' ? { kind, answer: answer ?? '' } : { kind };
  }

  async answered({ id, attempt }: Claimant, answer: string): Promise<void> {
    await this.run(answeredScript, id, attempt, answer);
  }

  async forget({ id, attempt }: Claimant): Promise<void> {
    await this.run(forgetScript, id, attempt);
  }

  async reopen({ id, attempt }: Claimant): Promise<void> {
    await this.run(reopenScript, id, attempt);
  }

  private run(script: string, id: string, ...values: (string | number)[]): Promise<unknown> {
    return redisAnswer(this.redis.eval(script, 1, this.prefix + id, ...values));
  }
}
