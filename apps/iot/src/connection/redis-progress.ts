import type { Redis } from '@tidegate/redis';
import { z } from 'zod';
import { LocalProgress, type Progress, type ProgressStore } from './progress';
import { isAfter } from './sequence';

const keptSeconds = 86_400;
/** Acknowledgements come by the thousand; what is lost by this delay is sent again and told apart by its headers. */
const writeMs = 200;

const seq = z.int().min(0).max(0xffff_ffff);
const progressSchema = z.object({ bootId: seq, live: seq, backlog: seq });

/** Progress that all replicas know. While Redis is away, each goes by what it knows itself. */
export class RedisProgress implements ProgressStore {
  private readonly unwritten = new Map<string, Progress>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly redis: Redis,
    private readonly local = new LocalProgress(),
  ) {}

  async read(key: string): Promise<Progress | undefined> {
    const own = await this.local.read(key);
    // Fail-open: without Redis a device may have to send again what another replica has written.
    const stored = await this.redis.get(redisKey(key)).catch(() => null);
    const shared = stored === null ? undefined : parse(stored);
    if (shared === undefined || own === undefined) return shared ?? own;
    return shared.bootId === own.bootId ? furthest(shared, own) : shared;
  }

  write(key: string, progress: Progress): void {
    this.local.write(key, progress);
    this.unwritten.set(key, progress);
    this.timer ??= setTimeout(() => void this.flush(), writeMs);
  }

  /** Writes what is known at once, for a process that ends. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.unwritten.size === 0) return;
    const pipeline = this.redis.pipeline();
    for (const [key, progress] of this.unwritten) {
      pipeline.set(redisKey(key), JSON.stringify(progress), 'EX', keptSeconds);
    }
    this.unwritten.clear();
    await pipeline.exec().catch(() => undefined);
  }
}

function redisKey(key: string): string {
  return `iot:progress:${key}`;
}

function parse(text: string): Progress | undefined {
  try {
    return progressSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function furthest(one: Progress, other: Progress): Progress {
  const later = (a: number, b: number) => (b !== 0 && (a === 0 || isAfter(b, a)) ? b : a);
  return { bootId: one.bootId, live: later(one.live, other.live), backlog: later(one.backlog, other.backlog) };
}
