import type { AuditEntry } from '@tidegate/audit';
import type { Principal } from '@tidegate/auth';
import type { Catalog, Stream } from '@tidegate/catalog';
import { contractShapes, parseJson, stringifyJson, type JsonObject } from '@tidegate/contracts';
import { compileCondition } from '@tidegate/expression';
import type { View } from '@tidegate/policy';
import { Registry, type Logger } from '@tidegate/telemetry';
import { LocalLeases } from './leases';
import type { StreamLimits } from './limits';
import { MemoryGroups } from './memory-groups';
import { MemoryLog } from './memory-log';
import type { SchemaRegistryOptions } from './schema-registry';
import type { ByeCode, GapReason, SessionSink } from './session-sink';
import { StreamHub, type StreamHubOptions } from './stream-hub';

export const topic = 'shop.orders';
/** The view of the orders that the store 7 has. */
export const west = 'orders-west';

/** An order that keeps its contract; `id` is its key. */
export function order(id: string, over: JsonObject = {}): string {
  return stringifyJson({
    orderId: id,
    customerId: '13',
    tenantId: 'north',
    status: 'placed',
    placedAt: '2026-01-01T00:00:00Z',
    updatedAt: '2026-01-01T00:00:00Z',
    total: 12.5,
    currency: 'EUR',
    storeId: '1',
    lines: [],
    ...over,
  });
}

export function caller(subject = '13', over: Partial<Principal> = {}): Principal {
  return { subject, tenant: 'north', roles: ['customer'], expiresAtMs: Date.now() + 3_600_000, claims: {}, ...over };
}

/**
 * Customers see their own rows without the notes, support all of its tenant, `open` and `closed` everything, `closed` without
 * the status; `broken` fails; `west` sees the view `orders-west` only, without the store; every other role sees nothing.
 */
export function viewOf({ roles, subject, tenant }: Principal, resource: string): View | undefined {
  if (resource !== 'orders' && resource !== west) return undefined;
  if (roles.includes('west') && resource === west) return view('west', ({ storeId: _, ...row }) => row, 'storeId');
  if (roles.includes('support')) {
    return view(`support/${tenant}`, (row) => (row['tenantId'] === tenant ? row : undefined));
  }
  if (roles.includes('broken')) {
    return view('broken', () => {
      throw new Error('a mistake of ours');
    });
  }
  if (roles.includes('open')) return view('open', (row) => row);
  if (roles.includes('closed')) return view('closed', ({ status: _, ...row }) => row, 'status');
  if (!roles.includes('customer')) return undefined;
  return view(`customer/${tenant}/${subject}`, (row) => {
    if (row['tenantId'] !== tenant || row['customerId'] !== subject) return undefined;
    const { internalNotes, ...rest } = row;
    return internalNotes === undefined ? row : rest;
  });
}

function view(id: string, apply: View['apply'], hidden = 'internalNotes'): View {
  const restricted = (path: string) => path === hidden;
  const crossesTenants = id === 'open' || id === 'closed';
  return { id, apply, restricted, crossesTenants, grantIds: [id.split('/', 1)[0]] } as unknown as View;
}

function ordersStream(over: Partial<Stream> = {}): Stream {
  return {
    name: 'orders',
    sources: [{ topic }],
    key: ['orderId'],
    subject: 'customerId',
    tenant: 'tenantId',
    schema: 'order',
    resume: { maxScanned: 200_000, maxMs: 2_000 },
    ...over,
  };
}

function streamsOf(over: Partial<Stream>): Catalog['streams'] {
  const orders = ordersStream(over);
  const where = compileCondition('row.storeId == "7"', { row: contractShapes.order });
  return new Map([
    ['orders', orders],
    [west, { ...orders, name: west, view: { from: 'orders', where } }],
  ]);
}

export interface World {
  catalog: Catalog;
  log: MemoryLog;
  hub: StreamHub;
  registry: Registry;
  warnings: object[];
  /** What the audit was told. */
  audited: AuditEntry[];
  groups: MemoryGroups;
  leases: LocalLeases;
}

export interface WorldOptions {
  log?: MemoryLog;
  partitions?: number;
  stream?: Partial<Stream>;
  limits?: Partial<StreamLimits>;
  schemaRegistry?: SchemaRegistryOptions;
  deadLetters?: StreamHubOptions['deadLetters'];
}

/** A hub over a log in memory, with one topic behind the stream `orders`. */
export function world(options: WorldOptions = {}): World {
  const { log = new MemoryLog(), partitions = 1, stream = {}, limits = {}, schemaRegistry, deadLetters } = options;
  log.create(topic, partitions);
  const registry = new Registry();
  const warnings: object[] = [];
  const logger = {
    info: () => undefined,
    warn: (line: object) => void warnings.push(line),
    error: () => undefined,
  } as unknown as Logger;
  const catalog: Catalog = {
    version: '1',
    tenants: new Map(['north', 'south'].map((id) => [id, { id, name: id }])),
    streams: streamsOf(stream),
    grants: [],
  };
  const audited: AuditEntry[] = [];
  const audit: StreamHubOptions['audit'] = {
    record: (entry) => void audited.push(typeof entry === 'function' ? entry() : entry),
  };
  const [groups, leases] = [new MemoryGroups(), new LocalLeases()];
  const hub = secondHub({ log, registry, logger, catalog, limits, audit, groups, leases, schemaRegistry, deadLetters });
  return { catalog, log, hub, registry, warnings, audited, groups, leases };
}

/** Another replica: its own tails and rings, the same log and keys. */
export function replica(
  { log, groups, leases }: World,
  limits: Partial<StreamLimits> = {},
  stream: Partial<Stream> = {},
): StreamHub {
  const logger = { info: () => undefined, warn: () => undefined } as unknown as Logger;
  const catalog = { version: '1', tenants: new Map(), streams: streamsOf(stream), grants: [] };
  return secondHub({ log, registry: new Registry(), logger, catalog, limits, groups, leases });
}

function secondHub(from: {
  log: MemoryLog;
  registry: Registry;
  logger: Logger;
  catalog: Catalog;
  limits: Partial<StreamLimits>;
  audit?: StreamHubOptions['audit'];
  groups: MemoryGroups;
  leases: LocalLeases;
  schemaRegistry?: SchemaRegistryOptions | undefined;
  deadLetters?: StreamHubOptions['deadLetters'];
}): StreamHub {
  const { log, limits, groups, ...rest } = from;
  return new StreamHub({
    ...rest,
    offsets: groups,
    policy: { view: viewOf },
    tails: log.tails,
    ranges: log.ranges,
    cursorKeys: [Buffer.alloc(32, 1)],
    limits: { tickMs: 1, tailLingerMs: 20, commitMs: 20, ...limits },
  });
}

type Heard =
  | { t: 'rows'; ids: string[]; texts: string; c: string }
  | { t: 'gone'; keys: string; c: string }
  | { t: 'gap'; reason: GapReason; c: string }
  | { t: 'caught-up' | 'cursor'; c: string }
  | { t: 'expiring'; inSeconds: number }
  | { t: 'unavailable'; detail: string }
  | { t: 'bye'; code: ByeCode; retryMs: number };

/** A sink that remembers what it heard and lets specs wait for it. */
export class HeardSink implements SessionSink {
  readonly heard: Heard[] = [];
  buffered = 0;
  private readonly watchers = new Set<() => void>();

  rows(json: string, _count: number, c: string): void {
    const ids = (parseJson(json) as JsonObject[]).map((row) => row['orderId'] as string);
    this.hear({ t: 'rows', ids, texts: json, c });
  }
  gone(keys: string, _count: number, c: string): void {
    this.hear({ t: 'gone', keys, c });
  }
  gap(reason: GapReason, c: string): void {
    this.hear({ t: 'gap', reason, c });
  }
  caughtUp(c: string): void {
    this.hear({ t: 'caught-up', c });
  }
  cursor(c: string): void {
    this.hear({ t: 'cursor', c });
  }
  expiring(inSeconds: number): void {
    this.hear({ t: 'expiring', inSeconds });
  }
  unavailable(detail: string): void {
    this.hear({ t: 'unavailable', detail });
  }
  bye(code: ByeCode, retryMs: number): void {
    this.hear({ t: 'bye', code, retryMs });
  }
  bufferedBytes(): number {
    return this.buffered;
  }

  get ids(): string[] {
    return this.heard.flatMap((one) => (one.t === 'rows' ? one.ids : []));
  }

  get kinds(): string[] {
    return this.heard.map(({ t }) => t);
  }

  get lastCursor(): string {
    return this.heard.reduce((last, one) => ('c' in one ? one.c : last), '');
  }

  of<T extends Heard['t']>(t: T): Extract<Heard, { t: T }>[] {
    return this.heard.filter((one): one is Extract<Heard, { t: T }> => one.t === t);
  }

  /** Resolves once `holds` does; fails after twenty seconds with what was heard. */
  async until(holds: () => boolean): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const heard = () => this.heard.slice(-5).map((one) => JSON.stringify(one));
      const timer = setTimeout(() => reject(new Error(`waited in vain; last heard: ${heard().join('\n')}`)), 20_000);
      const check = () => {
        if (!holds()) return;
        clearTimeout(timer);
        this.watchers.delete(check);
        resolve();
      };
      this.watchers.add(check);
      check();
    });
  }

  private hear(one: Heard): void {
    this.heard.push(one);
    for (const watcher of [...this.watchers]) watcher();
  }
}

export async function gauge(registry: Registry, name: string): Promise<number> {
  const metric = await registry.getSingleMetric(name)?.get();
  return metric?.values.reduce((sum, { value }) => sum + value, 0) ?? NaN;
}
