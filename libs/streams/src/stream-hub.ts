import type { AuditLog } from '@tidegate/audit';
import type { Principal } from '@tidegate/auth';
import type { Catalog } from '@tidegate/catalog';
import { AppError } from '@tidegate/errors';
import type { RangeReader, TailPool } from '@tidegate/kafka';
import type { Policy } from '@tidegate/policy';
import type { HealthCheck, Logger, Registry } from '@tidegate/telemetry';
import { randomBytes } from 'node:crypto';
import { Admission, notFound, notOffered, type Admitted } from './admission';
import { Belongings } from './belongings';
import { Channels } from './channels';
import { CursorSeal } from './cursor';
import type { DeadLetters } from './dead-letters';
import { DurableFollow } from './durable-follow';
import { durableGroup } from './durable-group';
import type { GroupOffsets } from './durable-hold';
import { Durables, notDurable } from './durables';
import { Feeds } from './feeds';
import { LocalLeases, type Leases } from './leases';
import { streamLimitsSchema, type StreamLimits } from './limits';
import { StreamMetrics } from './metrics';
import { RangeBuckets } from './range-buckets';
import { RingBudget } from './record-ring';
import { RecordsRead, type RecordsPage, type RecordsReadOptions } from './records-read';
import { SchemaRegistry, type SchemaRegistryOptions } from './schema-registry';
import { Schemas } from './schemas';
import { copyOf, SessionAudits } from './session-audits';
import type { ByeCode, SessionSink } from './session-sink';
import { SessionStarts } from './session-starts';
import type { Sight } from './sight';
import { parseStart, resolveStart, type StreamStart } from './start';
import type { StreamChannel } from './stream-channel';
import { definitionOf } from './stream-definition';
import { StreamSession, type SessionStart } from './stream-session';
import type { TopicFeed } from './topic-feed';
import { unreadable } from './unreadable';
import { Wheel } from './wheel';

export interface StreamHubOptions {
  catalog: Catalog;
  policy: Pick<Policy, 'view'>;
  tails: Pick<TailPool, 'open'>;
  ranges: Pick<RangeReader, 'readRange' | 'offsets' | 'topics'>;
  /** At least 32 bytes each; the first seals, all open. */
  cursorKeys: readonly Buffer[];
  logger: Logger;
  registry: Registry;
  limits?: Partial<StreamLimits>;
  /** Where durable subscriptions keep their positions; without it there are none. */
  offsets?: GroupOffsets | undefined;
  /** Who holds them. Default: leases of this process. */
  leases?: Leases | undefined;
  /** Gets an event at the start and end of each session and every minute of it; a read is told by its request's event. */
  audit?: Pick<AuditLog, 'record'> | undefined;
  /** Where broken records that the tails bring are told of; without it they are counted and logged only. */
  deadLetters?: Pick<DeadLetters, 'add'> | undefined;
  /** Where schemas of Avro come from; without it the records of such streams wait. */
  schemaRegistry?: SchemaRegistryOptions | undefined;
}

export interface ReadOptions extends Omit<StreamStart, 'sub' | 'delivery'> {
  limit: number;
  /** How long to wait for a first row when there is none yet. */
  waitMs: number;
  signal?: AbortSignal;
}

export interface Session {
  readonly id: string;
  /** A fresh credential of the same caller. @throws AppError `permission_denied` when subject or tenant differ. */
  updatePrincipal(principal: Principal): void;
  /**
   * Moves the position of a durable subscription; what is not further on than before changes nothing.
   * @throws AppError `unprocessable` when it is not durable, `invalid_cursor`, `foreign_cursor`
   */
  ack(cursor: string): void;
  /** Last cursor, goodbye, gone. */
  end(code: ByeCode): void;
  close(): void;
}

/** Streams of the catalog for any transport: shared tails, a position per session, the caller's view of every row. */
export class StreamHub {
  /** Fails while a topic that somebody reads cannot be read; not required, since other topics may well be fine. */
  readonly health: HealthCheck;
  private readonly limits: StreamLimits;
  private readonly seal: CursorSeal;
  private readonly metrics: StreamMetrics;
  private readonly feeds: Feeds;
  private readonly channels: Channels;
  private readonly wheel: Wheel;
  private readonly sessions = new Set<StreamSession>();
  private readonly audits: SessionAudits | undefined;
  private readonly starts: SessionStarts;
  private readonly durables: Durables | undefined;
  private readonly admission: Admission;
  private readonly reads = new Set<RecordsRead>();
  private draining = false;
  private readonly idPrefix = randomBytes(6).toString('base64url');
  private lastId = 0;
  private readonly now = Date.now;

  constructor(private readonly options: StreamHubOptions) {
    const limits = (this.limits = streamLimitsSchema.parse(options.limits ?? {}));
    this.seal = new CursorSeal(options.cursorKeys);
    const budget = new RingBudget(limits.ringsTotalBytes);
    this.metrics = new StreamMetrics(options.registry, () => budget.bytes);
    const { metrics, seal, now } = this;
    const { catalog, policy, tails, ranges, logger, audit: log, deadLetters, schemaRegistry } = options;
    const schemas = new Schemas(schemaRegistry && new SchemaRegistry(schemaRegistry, options.registry));
    const buckets = new RangeBuckets(ranges, limits, now, schemas);
    const onDeleted = (feed: TopicFeed) => this.sayDeleted(feed);
    const feeds = new Feeds({ tails, limits, budget, metrics, schemas, buckets, now, onDeleted });
    const isOver = (channel: StreamChannel) => !this.isOf(channel, channel.name);
    this.feeds = feeds;
    this.channels = new Channels({ feeds, ranges, buckets, seal, limits, metrics, logger, deadLetters, now, isOver });
    this.wheel = new Wheel(stepMs(limits), limits.heartbeatMs, { onStep: (nowMs) => this.look(nowMs), now });
    const { summaryMs, warmingWaitMs, maxFilters } = limits;
    const policyVersion = () => this.admission.policyVersion;
    this.audits = log && new SessionAudits({ log, policyVersion, summaryMs, now });
    this.starts = new SessionStarts({ ranges, warmingWaitMs });
    this.durables = this.makeDurables(options);
    this.admission = new Admission({ catalog, policy, maxFilters });
    this.health = { name: 'streams', required: false, check: () => this.check() };
  }

  /**
   * Follows a stream. The sink hears nothing before the promise has resolved.
   *
   * @throws AppError `not_found` (unknown and ungranted alike), `invalid_cursor`, `foreign_cursor`, `invalid_argument`,
   * `mode_not_offered`, `unprocessable` (durable subscriptions are not offered), `warming`, or `unavailable` while Kafka, or
   * for a durable subscription Redis, is away or this process is about to end
   */
  async subscribe(principal: Principal, stream: string, start: StreamStart, sink: SessionSink): Promise<Session> {
    const belongings = new Belongings();
    try {
      const admitted = this.admit(principal, stream, start, belongings);
      const point = parseStart(start, (cursor) => this.seal.open(cursor, admitted.owner));
      const group = start.sub === undefined ? undefined : durableGroup(admitted.owner, start.sub);
      const channel = await this.use(admitted, belongings);
      channel.keepLastValues();
      const durable = group === undefined ? undefined : await this.hold(group, stream, channel, start, belongings);
      const { after } = start;
      const sameSight = after !== undefined && this.seal.saysSight(after, admitted.sight.id);
      const begin = await this.starts.begin({ point, start, channel, sight: admitted.sight, durable, sameSight });
      this.refuseWhileDraining();
      const sight = this.sightNow(principal, admitted, channel);
      const session = this.admitSession({ principal, sink, channel, admitted, start: begin, durable, belongings });
      if (sight.id !== admitted.sight.id) session.updatePrincipal(principal);
      return session;
    } catch (error) {
      belongings.letGo();
      throw error;
    }
  }

  /** One page of rows, always with a cursor that is further on. @throws AppError as `subscribe` does. */
  async read(principal: Principal, stream: string, options: ReadOptions): Promise<RecordsPage> {
    const belongings = new Belongings();
    try {
      const admitted = this.admit(principal, stream, options, belongings);
      const { owner } = admitted;
      if (options.mode === 'latest') throw notOffered('A page has the rows of mode=events; follow the stream instead.');
      const point = parseStart(options, (cursor) => this.seal.open(cursor, owner));
      const channel = await this.use(admitted, belongings);
      const start = await resolveStart(point, channel, this.options.ranges, () => channel.arrived);
      const sight = this.sightNow(principal, admitted, channel);
      const signals = [options.signal, principal.withdrawn].filter((signal) => signal !== undefined);
      return await this.page({ ...options, channel, sight, prefix: this.seal.prefix(owner), start, signals });
    } finally {
      belongings.letGo();
    }
  }

  /**
   * Moves the position of a durable subscription, whether or not somebody follows it, here or elsewhere.
   *
   * @throws AppError `not_found`, `invalid_cursor`, `foreign_cursor`, `invalid_argument`, `unprocessable`, `unavailable`
   */
  async ack(principal: Principal, stream: string, sub: string, cursor: string): Promise<void> {
    const belongings = new Belongings();
    try {
      const admitted = this.admit(principal, stream, {}, belongings);
      const { owner } = admitted;
      const position = this.seal.open(cursor, owner);
      const group = durableGroup(owner, sub);
      if (this.durables === undefined) throw notDurable();
      const channel = await this.use(admitted, belongings);
      const sources = channel.sources();
      await this.durables.ack(group, stream, () => sources, channel.reached(position));
    } finally {
      belongings.letGo();
    }
  }

  /**
   * From now on callers see what this policy shows them of these streams, those of open sessions too. Whoever loses access is
   * told so, and who follows a stream that is made of something else now is asked to come back with its cursor.
   */
  changeCatalog(catalog: Catalog, policy: Pick<Policy, 'view'>): void {
    this.admission.change(catalog, policy);
    for (const session of [...this.sessions]) {
      session.updatePrincipal(session.caller);
      if (!this.isOf(session.channel, session.stream)) session.end('restart');
    }
    // What they were shown until now they keep; whoever asks again is seen with new eyes.
    for (const read of this.reads) read.stop();
    this.channels.endIdle();
  }

  /** What the caller sees by now. @throws AppError `not_found`, `unavailable` */
  private sightNow(principal: Principal, { owner, sightOf }: Admitted, channel: StreamChannel): Sight {
    const sight = sightOf(principal);
    if (sight === undefined) throw notFound();
    if (this.isOf(channel, owner.stream)) return sight;
    throw new AppError('unavailable', 'The stream has just changed; try again.', { retryAfterMs: 1_000 });
  }

  /** Whether the records of a channel are those of a stream, or a view of it, as the catalog has it now. */
  private isOf({ options }: StreamChannel, name: string): boolean {
    const base = this.admission.base(name, options.stream.scope ?? 'all');
    return base !== undefined && definitionOf(base) === definitionOf(options.stream);
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
      this.audits?.read(options.channel, options.sight, from, read.outcome);
      return page;
    } finally {
      for (const signal of signals) signal.removeEventListener('abort', stop);
      this.reads.delete(read);
    }
  }

  /**
   * Every session gets its last cursor and `restart`, waiting reads end, new ones are refused. Resolves once durable positions
   * are committed and given back.
   */
  async drain(): Promise<void> {
    this.draining = true;
    for (const read of this.reads) read.stop();
    for (const session of [...this.sessions]) session.end('restart');
    await this.durables?.close();
  }

  async close(): Promise<void> {
    await this.drain();
    await this.channels.closeAll();
    await this.feeds.closeAll();
  }

  private admit(principal: Principal, stream: string, start: StreamStart, belongings: Belongings): Admitted {
    this.refuseWhileDraining();
    return this.admission.admit(principal, stream, start, belongings);
  }

  /** The durable subscription that a session is to follow, taken from whoever had it. */
  private async hold(
    group: string,
    stream: string,
    channel: StreamChannel,
    { delivery }: StreamStart,
    belongings: Belongings,
  ): Promise<DurableFollow> {
    const { durables } = this;
    if (durables === undefined) throw notDurable();
    const hold = await durables.take(group, stream, () => channel.sources());
    belongings.keep(() => void durables.release(hold));
    return new DurableFollow(hold, channel, delivery === 'at-most-once');
  }

  private admitSession(from: {
    principal: Principal;
    sink: SessionSink;
    channel: StreamChannel;
    admitted: Admitted;
    start: SessionStart;
    durable: DurableFollow | undefined;
    belongings: Belongings;
  }): StreamSession {
    const { admitted, durable, belongings, ...rest } = from;
    const { owner, sight, sightOf } = admitted;
    const { stream } = owner;
    const session = new StreamSession({
      ...{ ...rest, sight, sightOf },
      id: `${this.idPrefix}-${++this.lastId}`,
      prefix: (seen) => this.seal.prefix(owner, seen),
      retryMs: () => Math.floor(Math.random() * this.limits.retrySpreadMs),
      ack: durable && ((cursor) => durable.ack(this.seal.open(cursor, owner))),
      gate: durable?.gate,
      onEnd: (ended) => this.forget(ended, stream, belongings),
    });
    durable?.tell(session);
    this.sessions.add(session);
    this.wheel.add(session);
    this.metrics.sessions.inc({ stream });
    this.audits?.started(session);
    this.channels.progressed();
    return session;
  }

  private forget(session: StreamSession, stream: string, belongings: Belongings): void {
    this.sessions.delete(session);
    this.wheel.remove(session);
    this.metrics.sessions.dec({ stream });
    this.audits?.ended(session);
    belongings.letGo();
  }

  private async use({ base }: Admitted, belongings: Belongings): Promise<StreamChannel> {
    const channel = await this.channels.acquire(base);
    belongings.keep(() => this.channels.release(channel));
    if (channel.unavailable !== undefined) throw unreadable(channel.unavailable);
    return channel;
  }

  private makeDurables({ offsets, leases = new LocalLeases(), logger }: StreamHubOptions): Durables | undefined {
    const { metrics, now, limits } = this;
    return offsets && new Durables({ offsets, leases, commitMs: limits.commitMs, metrics, logger, now });
  }

  private sayDeleted(feed: TopicFeed): void {
    for (const session of this.sessions) {
      const { channel } = session;
      // The other topics of the stream go on.
      if (channel.present.includes(feed) && channel.unavailable !== undefined) session.sayUnavailable();
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
    const all = [...new Set([...this.feeds.troubles(), ...this.channels.troubles()])];
    return all.length === 0 ? { ok: true } : { ok: false, reason: all.join('; ') };
  }
}

/** A step per second, finer where limits are shorter than that. */
function stepMs({ heartbeatMs, expiryNoticeMs }: StreamLimits): number {
  return Math.max(5, Math.min(1_000, Math.floor(Math.min(heartbeatMs, expiryNoticeMs) / 4)));
}
