import { AppError } from '@tidegate/errors';
import type { Producer } from '@tidegate/kafka';
import { Session, type PostgresOptions, type SessionListener } from '@tidegate/postgres';
import { Counter, type Health, type HealthCheck, type Logger, type Registry } from '@tidegate/telemetry';
import { randomUUID } from 'node:crypto';
import { outboxChannel } from './outbox';
import { settledIds } from './settled';
import { Wake } from './wake';

export interface RelayOptions {
  postgres: PostgresOptions;
  /** Rows sent side by side. */
  batchSize?: number;
  /** How long Kafka may take to acknowledge a batch. */
  sendTimeoutMs?: number;
  /** Notifications say when there is work; this is for one that got lost. */
  pollMs?: number;
}

export interface RelayDeps {
  producer: Pick<Producer, 'send'>;
  logger: Logger;
  registry: Registry;
  openSession?: (options: PostgresOptions, listener: SessionListener) => Promise<RelaySession>;
}

type RelaySession = Pick<Session, 'query' | 'close'>;

interface OutboxRow {
  [column: string]: unknown;
  id: string;
  topic: string;
  key: string;
  value: string;
}

// Any number will do as long as all replicas take the same one.
const lockId = 7_433_002;
const takeoverPollMs = 500;
const retryMs = { first: 100, most: 2_000 };

// Reads a batch, and says in the same round trip until when it may be on its way to Kafka.
const takeBatch = `
  WITH batch AS (SELECT id, topic, key, value FROM outbox.records ORDER BY id LIMIT $1),
       busy AS (
         UPDATE outbox.relay SET holder = $2, busy_until = clock_timestamp() + $3 * interval '1 millisecond'
         WHERE EXISTS (SELECT FROM batch)
       )
  SELECT id, topic, key, value FROM batch ORDER BY id`;
const finishBatch = `
  WITH sent AS (DELETE FROM outbox.records WHERE id = ANY ($1::bigint[]))
  UPDATE outbox.relay SET busy_until = NULL`;
const untilIdle = `
  SELECT greatest(0, ceil(extract(epoch FROM busy_until - clock_timestamp()) * 1000))::float8 AS wait
  FROM outbox.relay WHERE holder <> $1 AND busy_until IS NOT NULL`;

/**
 * Sends what the outbox holds to Kafka, in order per key, and deletes it once acknowledged. Of all replicas the one that
 * holds an advisory lock does so; the lock is its connection's, so a dead replica holds none.
 */
export class Relay implements HealthCheck {
  readonly name = 'outbox';
  readonly required = true;
  private readonly holder = randomUUID();
  private readonly wake = new Wake();
  /** Woken by `stop` only: new rows must not shorten the pause after a failure. */
  private readonly halt = new Wake();
  private readonly batchSize: number;
  private readonly sendTimeoutMs: number;
  private readonly pollMs: number;
  private readonly relayed: Counter;
  /** Acknowledged rows that could not be deleted yet, because PostgreSQL was away: not sent again by this process. */
  private readonly acknowledged = new Set<string>();
  private stopping = false;
  private running: Promise<void> = Promise.resolve();
  private failure: string | undefined;
  private leader = false;

  constructor(
    private readonly options: RelayOptions,
    private readonly deps: RelayDeps,
  ) {
    this.batchSize = options.batchSize ?? 1_000;
    this.sendTimeoutMs = options.sendTimeoutMs ?? 5_000;
    this.pollMs = options.pollMs ?? 1_000;
    this.relayed = new Counter({
      name: 'tidegate_outbox_records_total',
      help: 'Records that the outbox relay sent, by what became of them',
      labelNames: ['outcome'],
      registers: [deps.registry],
    });
  }

  /** Whether this replica is the one that sends. */
  get leading(): boolean {
    return this.leader;
  }

  start(): void {
    this.running = this.run();
  }

  /** Lets the batch in hand finish. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.wake.now();
    this.halt.now();
    await this.running;
  }

  check(): Health {
    return this.failure === undefined ? { ok: true } : { ok: false, reason: this.failure };
  }

  private async run(): Promise<void> {
    let delayMs = retryMs.first;
    while (!this.stopping) {
      try {
        await this.runSession(() => (delayMs = retryMs.first));
      } catch (error) {
        this.report(AppError.from(error));
        await this.halt.within(delayMs);
        delayMs = Math.min(delayMs * 2, retryMs.most);
      }
    }
  }

  private async runSession(onLeading: () => void): Promise<void> {
    const wake = () => this.wake.now();
    const { openSession = Session.open.bind(Session) } = this.deps;
    const session = await openSession(this.options.postgres, { onNotification: wake, onLost: wake });
    try {
      await session.query(`LISTEN ${outboxChannel}`);
      if (!(await this.lead(session))) return;
      onLeading();
      while (!this.stopping) await this.relayAll(session);
    } finally {
      this.leader = false;
      await session.close();
    }
  }

  /** @returns false when stopped meanwhile. */
  private async lead(session: RelaySession): Promise<boolean> {
    while (!this.stopping) {
      const { rows } = await session.query<{ locked: boolean }>('SELECT pg_try_advisory_lock($1) AS locked', [lockId]);
      if (rows[0]?.locked) break;
      this.failure = undefined;
      await this.halt.within(takeoverPollMs);
    }
    // The one before may have lost its connection, and with it the lock, while a batch is still on its way: ours sent
    // now could stand before it.
    const { rows } = await session.query<{ wait: number }>(untilIdle, [this.holder]);
    const idleAt = performance.now() + (rows[0]?.wait ?? 0);
    while (!this.stopping && performance.now() < idleAt) await this.halt.within(idleAt - performance.now());
    if (this.stopping) return false;
    this.leader = true;
    this.deps.logger.info('relaying the outbox');
    return true;
  }

  private async relayAll(session: RelaySession): Promise<void> {
    let delayMs = retryMs.first;
    for (;;) {
      const deadline = performance.now() + this.sendTimeoutMs;
      const { rows } = await session.query<OutboxRow>(takeBatch, [this.batchSize, this.holder, this.sendTimeoutMs]);
      if (rows.length === 0) {
        this.recovered();
        return this.wake.within(this.pollMs);
      }
      const complete = await this.relayBatch(session, rows, deadline);
      if (this.stopping) return;
      if (complete) {
        delayMs = retryMs.first;
        continue;
      }
      await this.halt.within(delayMs);
      delayMs = Math.min(delayMs * 2, retryMs.most);
    }
  }

  /** @returns whether Kafka has all of them. */
  private async relayBatch(session: RelaySession, rows: readonly OutboxRow[], deadline: number): Promise<boolean> {
    const errors: unknown[] = [];
    const outcomes = await Promise.all(rows.map((row) => this.send(row, deadline, errors)));
    const settled = settledIds(rows, outcomes);
    for (const id of settled) this.acknowledged.add(id);
    await session.query(finishBatch, [settled]);
    this.acknowledged.clear();
    this.relayed.inc({ outcome: 'acknowledged' }, settled.length);
    this.relayed.inc({ outcome: 'failed' }, rows.length - settled.length);
    if (errors.length === 0) this.recovered();
    else this.report(AppError.from(errors[0]));
    return errors.length === 0;
  }

  private async send({ id, topic, key, value }: OutboxRow, deadline: number, errors: unknown[]): Promise<boolean> {
    if (this.acknowledged.has(id)) return true;
    // One deadline for the whole batch: a later record of a key must not outlive an earlier one in the producer's queue.
    const timeoutMs = Math.max(1, Math.floor(deadline - performance.now()));
    try {
      await this.deps.producer.send({ topic, key, value }, { timeoutMs });
      return true;
    } catch (error) {
      errors.push(error);
      return false;
    }
  }

  private report(error: AppError): void {
    const reason = `The outbox is not relayed: ${error.message}`;
    if (this.failure !== reason) this.deps.logger.warn({ err: error }, 'outbox relay is waiting');
    this.failure = reason;
  }

  private recovered(): void {
    if (this.failure !== undefined) this.deps.logger.info('outbox relay is going on');
    this.failure = undefined;
  }
}
