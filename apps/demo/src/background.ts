import { topics } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import { ConsumerGroup, KafkaAdmin, KafkaHealth, Producer } from '@tidegate/kafka';
import { PostgresHealth, type Pool } from '@tidegate/postgres';
import type { HealthCheck, Logger, Registry } from '@tidegate/telemetry';
import { OrderBooking } from './accounts/order-booking';
import { RequestBooking } from './accounts/request-booking';
import type { Config } from './config';
import type { Issuer } from './issuer/issuer';
import { OrdersService } from './orders/orders.service';
import { Relay } from './outbox/relay';
import { Wake } from './outbox/wake';
import { Replay } from './replay/replay';
import type { Preparation } from './seed/preparation';
import { demoTopics } from './topics';

interface BackgroundDeps {
  pool: Pool;
  preparation: Preparation;
  issuer: Issuer;
  /** How many services share this process: all of them close before their common ground does. */
  services: number;
  logger: Logger;
  registry: Registry;
}

const retryMs = { first: 250, most: 5_000 };

/** What runs beside the three services: tables and seed, topics, the outbox relay, the bookings, the replay. */
export class Background {
  private readonly producer: Producer;
  private readonly admin: KafkaAdmin;
  private readonly bookings: ConsumerGroup;
  private readonly relay: Relay;
  private readonly replay: Replay;
  private readonly halt = new Wake();
  private openServices: number;
  private stopping = false;
  private topicsAreMade = false;
  private started: Promise<void> = Promise.resolve();

  constructor(
    { kafka, postgres, replaySpeed }: Pick<Config, 'kafka' | 'postgres' | 'replaySpeed'>,
    private readonly deps: BackgroundDeps,
  ) {
    const { pool, logger, registry } = deps;
    this.openServices = deps.services;
    this.producer = new Producer(kafka, { logger, registry });
    this.admin = new KafkaAdmin(kafka, { logger, registry });
    const orderBooking = new OrderBooking(pool, logger);
    const requestBooking = new RequestBooking({ pool, logger, registry });
    // After a crash the group waits this long for the member that is no more.
    this.bookings = new ConsumerGroup(
      { ...kafka, sessionTimeoutMs: 10_000 },
      {
        groupId: 'demo-accounts',
        topics: [topics.orders, topics.transactionRequests],
        // A batch is of one partition.
        onBatch: (records) => (records[0]?.topic === topics.orders ? orderBooking : requestBooking).onBatch(records),
        // Thrown where nobody catches it: a service that books nothing must not look alive.
        onHopeless: (error) => {
          setImmediate(() => {
            throw error;
          });
        },
        deps: { logger, registry },
      },
    );
    this.relay = new Relay({ postgres }, { producer: this.producer, logger, registry });
    const orders = new OrdersService(pool);
    this.replay = new Replay(replaySpeed, { pool, orders, active: () => this.relay.leading, logger });
  }

  /** Returns at once: each part begins as soon as what it needs is there, however long that takes. */
  start(): void {
    this.started = this.run();
  }

  async onServiceClosed(): Promise<void> {
    this.openServices -= 1;
    if (this.openServices === 0) await this.stop();
  }

  private async stop(): Promise<void> {
    this.stopping = true;
    this.halt.now();
    await this.started;
    await this.replay.stop();
    await this.bookings.stop();
    await this.relay.stop();
    await Promise.all([this.producer.close(), this.admin.close(), this.deps.issuer.close()]);
    await this.deps.pool.close();
  }

  checks(): HealthCheck[] {
    const kafka = new KafkaHealth([this.producer]);
    // Orders are taken all the same while bookings wait for their group.
    const bookings = new KafkaHealth([this.bookings], { name: 'bookings', required: false });
    return [new PostgresHealth(this.deps.pool), kafka, this.topicsCheck, bookings, this.deps.preparation, this.relay];
  }

  private readonly topicsCheck: HealthCheck = {
    name: 'topics',
    required: true,
    check: () => (this.topicsAreMade ? { ok: true } : { ok: false, reason: 'the topics are not made yet' }),
  };

  private async run(): Promise<void> {
    await this.untilDone('prepare the data', () => this.deps.preparation.run());
    await this.untilDone('make the topics', () => this.admin.ensureTopics(demoTopics));
    if (this.stopping) return;
    this.topicsAreMade = true;
    this.relay.start();
    this.replay.start();
    await this.untilDone('book movements', () => this.bookings.start());
  }

  private async untilDone(what: string, work: () => Promise<void>): Promise<void> {
    let reason: string | undefined;
    for (let delayMs = retryMs.first; !this.stopping; delayMs = Math.min(delayMs * 2, retryMs.most)) {
      try {
        return await work();
      } catch (error) {
        const { message } = AppError.from(error);
        if (message !== reason) this.deps.logger.warn({ err: error }, `cannot ${what} yet`);
        reason = message;
        await this.halt.within(delayMs);
      }
    }
  }
}
