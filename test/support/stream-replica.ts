import type { Principal } from '@tidegate/auth';
import { loadCatalog, type Stream } from '@tidegate/catalog';
import { parseJson, stringifyJson, type JsonObject } from '@tidegate/contracts';
import { KafkaAdmin } from '@tidegate/kafka';
import { Policy } from '@tidegate/policy';
import type { Redis } from '@tidegate/redis';
import { RedisLeases, StreamHub, type SessionSink, type StreamLimits } from '@tidegate/streams';
import path from 'node:path';
import { until, type KafkaBench } from './kafka-bench';

const shipped = loadCatalog(path.resolve(__dirname, '../../catalog'));

export interface ReplicaOptions {
  limits?: Partial<StreamLimits>;
  stream?: Partial<Stream>;
  redis?: Redis;
}

/** One replica of whatever serves streams: the shipped orders and their policies, over a topic of the test's. */
export function streamReplica(bench: KafkaBench, topic: string, options: ReplicaOptions = {}): StreamHub {
  const { limits = {}, stream = {}, redis } = options;
  const { logger, registry } = bench.deps;
  const orders = shipped.streams.get('orders');
  if (orders === undefined) throw new Error('the catalog has no orders');
  const catalog = { ...shipped, streams: new Map([['orders', { ...orders, sources: [{ topic }], ...stream }]]) };
  const hub = new StreamHub({
    ...{ catalog, logger, registry, limits },
    policy: new Policy(catalog),
    tails: bench.pool(),
    ranges: bench.reader(),
    offsets: bench.closed(new KafkaAdmin(bench.options, bench.deps)),
    leases: redis && new RedisLeases(redis),
    cursorKeys: [Buffer.alloc(32, 1)],
  });
  return bench.closed(hub);
}

export function orderOf(orderId: string, over: JsonObject = {}): string {
  const at = new Date().toISOString();
  return stringifyJson({
    ...{ orderId, customerId: '13', tenantId: 'north', status: 'placed', placedAt: at, updatedAt: at },
    ...{ total: 12.5, currency: 'EUR', storeId: '1', lines: [], internalNotes: 'vip', ...over },
  });
}

export function reader(subject = '13', role = 'customer'): Principal {
  return { subject, tenant: 'north', roles: [role], expiresAtMs: Date.now() + 3_600_000, claims: {} };
}

/** A client in the test's own process: what it shows, and what it has heard. */
export class ScreenSink implements SessionSink {
  /** By order, as after a gap a whole snapshot comes. */
  readonly shown = new Map<string, JsonObject>();
  readonly ids: string[] = [];
  readonly deleted: string[] = [];
  readonly gaps: string[] = [];
  readonly cursorOf = new Map<string, string>();
  lastCursor = '';
  caughtUps = 0;
  goodbye: string | undefined;
  buffered = 0;

  rows(json: string, _count: number, cursor: string): void {
    for (const row of parseJson(json) as JsonObject[]) {
      const id = row['orderId'] as string;
      this.shown.set(id, row);
      this.ids.push(id);
      this.cursorOf.set(id, cursor);
    }
    this.lastCursor = cursor;
  }

  gone(json: string, _count: number, cursor: string): void {
    for (const [id = ''] of JSON.parse(json) as string[][]) {
      this.shown.delete(id);
      this.deleted.push(id);
    }
    this.lastCursor = cursor;
  }

  gap(reason: string, cursor: string): void {
    this.gaps.push(reason);
    if (reason !== 'snapshot-limit') this.shown.clear();
    this.lastCursor = cursor;
  }

  caughtUp(cursor: string): void {
    this.caughtUps++;
    this.lastCursor = cursor;
  }

  cursor(cursor: string): void {
    this.lastCursor = cursor;
  }

  expiring(): void {
    // Nobody's token ends here.
  }

  unavailable(): void {
    // What it shows stays as it was.
  }

  bye(code: string): void {
    this.goodbye = code;
  }

  bufferedBytes(): number {
    return this.buffered;
  }

  /** `id:status` of all that it shows, by id. */
  get screen(): string {
    return [...this.shown]
      .map(([id, row]) => `${id}:${row['status'] as string}`)
      .sort()
      .join(' ');
  }

  untilShows(screen: string): Promise<void> {
    return until(`${screen} is shown`, () => this.screen === screen);
  }
}
