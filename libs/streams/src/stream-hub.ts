import type { AuditLog } from '@tidegate/audit';
import type { Principal } from '@tidegate/auth';
import type { Catalog, Stream } from '@tidegate/catalog';
import { AppError } from '@tidegate/errors';
import type { RangeReader, TailPool } from '@tidegate/kafka';
import type { Policy, View } from '@tidegate/policy';
import type { HealthCheck, Logger, Registry } from '@tidegate/telemetry';
import { randomBytes } from 'node:crypto';
import { checkPartitions, CursorSeal, type CursorOwner } from './cursor';
import { streamLimitsSchema, type StreamLimits } from './limits';
import { StreamMetrics } from './metrics';
import { Pump } from './pump';
import { RangeBuckets } from './range-buckets';
import { RingBudget } from './record-ring';
import { RecordsRead, type RecordsPage, type RecordsReadOptions } from './records-read';
import { DecodedRows, RowDecoder } from './row-decoder';
import { copyOf, SessionAudits } from './session-audits';
import type { ByeCode, GapReason, SessionSink } from './session-sink';
import { SharedByUse } from './shared-by-use';
import { parseStart, resolveStart, type StreamStart } from './start';
import { StreamChannel } from './stream-channel';
import { StreamSession } from './stream-session';
import { TopicFeed } from './topic-feed';
import { unreadable } from './unreadable';
import { Wheel } from './wheel';

export interface StreamHubOptions {
  catalog: Catalog;
  policy: Pick<Policy, 'view'>;
  tails: Pick<TailPool, 'open'>;
  ranges: Pick<RangeReader, 'readRange' | 'offsets'>;
  /** At least 32 bytes each; the first seals, all open. */
  cursorKeys: readonly Buffer[];
  logger: Logger;
  registry: Registry;
  limits?: Partial<StreamLimits>;
  /** Gets an event at the start and end of each session and every minute of it; a read is told by its request's event. */
  audit?: Pick<AuditLog, 'record'> | undefined;
}

export interface ReadOptions extends StreamStart {
  limit: number;
  /** How long to wait for a first row when there is none yet. */
  waitMs: number;
  signal?: AbortSignal;
}

export interface Session {
  readonly id: string;
  /** A fresh credential of the same caller. @throws AppError `permission_denied` when subject or tenant differ. */
  updatePrincipal(principal: Principal): void;
  /** Last cursor, goodbye, gone. */
  end(code: ByeCode): void;
  close(): void;
}

/** By the size of their records; the rows themselves weigh some times that. */
const decodedRowsBytes = 8 * 1024 * 1024;

/** Streams of the catalog for any transport: shared tails, a position per session, the caller's view of every row. */
export class StreamHub {
  /** Fails while a topic that somebody reads cannot be read; not required, since other topics may well be fine. */
  readonly health: HealthCheck;
  private readonly limits: StreamLimits;
  private readonly seal: CursorSeal;
  private readonly metrics: StreamMetrics;
  private readonly budget: RingBudget;
  private readonly buckets: RangeBuckets;
  private readonly decodedRows = new DecodedRows(decodedRowsBytes);
  private readonly openFeeds = new Set<TopicFeed>();
  private readonly feeds: SharedByUse<TopicFeed>;
  private readonly openChannels = new Set<StreamChannel>();
  private readonly channels: SharedByUse<StreamChannel>;
  private readonly pump: Pump;
  private readonly wheel: Wheel;
  private readonly sessions = new Set<StreamSession>();
  private readonly audits: SessionAudits | undefined;
  private readonly reads = new Set<RecordsRead>();
  private draining = false;
  private readonly idPrefix = randomBytes(6).toString('base64url');
  private lastId = 0;
  private readonly now = Date.now;

  constructor(private readonly options: StreamHubOptions) {
    const limits = (this.limits = streamLimitsSchema.parse(options.limits ?? {}));
    this.seal = new CursorSeal(options.cursorKeys);
    this.budget = new RingBudget(limits.ringsTotalBytes);
    this.metrics = new StreamMetrics(options.registry, () => this.budget.bytes);
    this.buckets = new RangeBuckets(options.ranges, limits, this.now);
    this.feeds = new SharedByUse({
      open: (topic) => this.openFeed(topic),
      close: (feed) => this.closeFeed(feed),
      lingerMs: limits.tailLingerMs,
    });
    this.channels = new SharedByUse({
      open: (name) => this.openChannel(name),
      close: (channel) => this.closeChannel(channel),
      lingerMs: 0,
    });
    this.pump = new Pump({ channels: this.openChannels, tickMs: limits.tickMs, now: this.now });
    this.wheel = new Wheel(stepMs(limits), limits.heartbeatMs, { onStep: (nowMs) => this.look(nowMs), now: this.now });
    const { audit: log, catalog } = options;
    const { summaryMs } = limits;
    this.audits = log && new SessionAudits({ log, policyVersion: catalog.version, summaryMs, now: this.now });
    this.health = { name: 'streams', required: false, check: () => this.check() };
  }

  /**
   * Follows a stream. The sink hears nothing before the promise has resolved.
   *
   * @throws AppError `not_found` (unknown and ungranted alike), `invalid_cursor`, `foreign_cursor`, `invalid_argument`,
   * or `unavailable` while Kafka is away or this process is about to end
   */
  async subscribe(principal: Principal, stream: string, start: StreamStart, sink: SessionSink): Promise<Session> {
    const { view, owner } = this.admit(principal, stream);
    const point = parseStart(start, (cursor) => this.seal.open(cursor, owner));
    const channel = await this.use(stream);
    try {
      const { position, gaps } = await resolveStart(point, channel, this.options.ranges, () => channel.head);
      this.refuseWhileDraining();
      return this.admitSession({ principal, view, owner, sink, channel, position, gaps });
    } catch (error) {
      this.channels.release(stream);
      throw error;
    }
  }

  /** One page of rows, always with a cursor that is further on. @throws AppError as `subscribe` does. */
  async read(principal: Principal, stream: string, options: ReadOptions): Promise<RecordsPage> {
    const { view, owner } = this.admit(principal, stream);
    const point = parseStart(options, (cursor) => this.seal.open(cursor, owner));
    const channel = await this.use(stream);
    try {
      const start = await resolveStart(point, channel, this.options.ranges, () => channel.arrived);
      const signals = [options.signal, principal.withdrawn].filter((signal) => signal !== undefined);
      return await this.page({ ...options, channel, view, prefix: this.seal.prefix(owner), start, signals });
    } finally {
      this.channels.release(stream);
    }
  }

  private async page({ signals, ...options }: RecordsReadOptions & { signals: AbortSignal[] }): Promise<RecordsPage> {
    const read = new RecordsRead(options);
    const from = copyOf(options.start.position);
    const stop = () => read.stop();
    if (this.draining || signals.some(({ aborted }) => aborted)) stop();
    this.reads.add(read);
    for (const signal of signals) signal.addEventListener('abort', stop);
    try {
      const page = await read.page();
      this.audits?.read(options.channel, options.view, from, read.outcome);
      return page;
    } finally {
      for (const signal of signals) signal.removeEventListener('abort', stop);
      this.reads.delete(read);
    }
  }

  /** Every session gets its last cursor and `restart`, waiting reads end, new ones are refused. */
  drain(): void {
    this.draining = true;
    for (const read of this.reads) read.stop();
    for (const session of [...this.sessions]) session.end('restart');
  }

  async close(): Promise<void> {
    this.drain();
    this.pump.stop();
    await this.channels.closeAll();
    await this.feeds.closeAll();
  }

  private admit(principal: Principal, stream: string): { view: View; owner: CursorOwner } {
    this.refuseWhileDraining();
    const view = this.options.policy.view(principal, stream);
    // Unknown, ungranted, and a resource that is no stream: nobody learns which.
    if (view === undefined || !this.options.catalog.streams.has(stream)) throw notFound();
    return { view, owner: { stream, tenant: principal.tenant, subject: principal.subject } };
  }

  private admitSession(from: {
    principal: Principal;
    view: View;
    owner: CursorOwner;
    sink: SessionSink;
    channel: StreamChannel;
    position: bigint[][];
    gaps: readonly GapReason[];
  }): StreamSession {
    const { stream } = from.owner;
    const session = new StreamSession({
      ...from,
      id: `${this.idPrefix}-${++this.lastId}`,
      prefix: this.seal.prefix(from.owner),
      viewOf: (principal) => this.options.policy.view(principal, stream),
      retryMs: () => Math.floor(Math.random() * this.limits.retrySpreadMs),
      onEnd: (ended) => this.forget(ended, stream),
    });
    this.sessions.add(session);
    this.wheel.add(session);
    this.metrics.sessions.inc({ stream });
    this.audits?.started(session);
    this.pump.progressed();
    return session;
  }

  private forget(session: StreamSession, stream: string): void {
    this.sessions.delete(session);
    this.wheel.remove(session);
    this.metrics.sessions.dec({ stream });
    this.audits?.ended(session);
    this.channels.release(stream);
  }

  private async use(stream: string): Promise<StreamChannel> {
    const channel = await this.channels.acquire(stream);
    if (channel.unavailable === undefined) return channel;
    this.channels.release(stream);
    throw unreadable(channel.unavailable);
  }

  private async openFeed(topic: string): Promise<TopicFeed> {
    const { limits, budget, metrics, now } = this;
    const feed = new TopicFeed(topic, { tails: this.options.tails, limits, budget, metrics, now });
    await feed.open();
    this.openFeeds.add(feed);
    return feed;
  }

  private closeFeed(feed: TopicFeed): Promise<void> {
    this.openFeeds.delete(feed);
    return feed.close();
  }

  private async openChannel(name: string): Promise<StreamChannel> {
    const stream = this.options.catalog.streams.get(name);
    if (stream === undefined) throw notFound();
    const { limits, metrics, seal, buckets, decodedRows, now } = this;
    const { logger } = this.options;
    const feeds = await this.acquireFeeds(stream);
    const channel = new StreamChannel({
      ...{ stream, feeds, buckets, seal, limits, metrics, logger, now },
      decoder: new RowDecoder({ stream, metrics, logger, decodedRows, now }),
      onArrival: this.pump.arrived,
      onProgress: this.pump.progressed,
    });
    this.openChannels.add(channel);
    return channel;
  }

  private closeChannel(channel: StreamChannel): void {
    this.openChannels.delete(channel);
    channel.close();
    for (const { topic } of channel.options.feeds) this.feeds.release(topic);
  }

  private async acquireFeeds({ sources }: Stream): Promise<TopicFeed[]> {
    const results = await Promise.allSettled(sources.map(({ topic }) => this.feeds.acquire(topic)));
    const opened = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    try {
      for (const result of results) if (result.status === 'rejected') throw result.reason;
      checkPartitions(opened.map(({ rings }) => rings.length));
      return opened;
    } catch (error) {
      for (const { topic } of opened) this.feeds.release(topic);
      throw AppError.from(error);
    }
  }

  /** Once per step of the wheel, over all sessions: credentials that end, and what all sinks hold together. */
  private look(nowMs: number): void {
    let bytes = 0;
    for (const session of [...this.sessions]) {
      session.checkExpiry(nowMs);
      this.audits?.look(session, nowMs);
      bytes += session.bufferedBytes;
    }
    if (bytes <= this.limits.bufferedTotalBytes) return;
    for (const session of [...this.sessions].sort((a, b) => b.bufferedBytes - a.bufferedBytes)) {
      if (bytes <= this.limits.bufferedTotalBytes) return;
      bytes -= session.bufferedBytes;
      session.end('too_slow');
    }
  }

  private refuseWhileDraining(): void {
    if (!this.draining) return;
    throw new AppError('unavailable', 'This server is about to restart; connect again.', { retryAfterMs: 1_000 });
  }

  private check(): ReturnType<HealthCheck['check']> {
    const reasons = [...this.openFeeds].flatMap(({ topic, unavailable }) =>
      unavailable === undefined ? [] : [`${topic}: ${unavailable}`],
    );
    return reasons.length === 0 ? { ok: true } : { ok: false, reason: reasons.join('; ') };
  }
}

function notFound(): AppError {
  return new AppError('not_found', 'There is no such stream.');
}

/** A step per second, finer where limits are shorter than that. */
function stepMs({ heartbeatMs, expiryNoticeMs }: StreamLimits): number {
  return Math.max(5, Math.min(1_000, Math.floor(Math.min(heartbeatMs, expiryNoticeMs) / 4)));
}
