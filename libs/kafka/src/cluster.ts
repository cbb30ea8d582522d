import { AppError } from '@tidegate/errors';
import type { Health, Logger } from '@tidegate/telemetry';
import { isRefusedLogin, kafkaCodeOf, MalformedBytes, reasonOf } from './errors';
import { BrokerLink, connectionsOfLink, type KafkaRequest } from './kafkajs-internals';
import { metadataRequest, type BrokerAddress, type ClusterMetadata } from './metadata';
import type { KafkaSettings } from './options';
import { atMost, within } from './timing';

/** One broker of several may be frozen: ask the next one while the caller still waits. */
const anyTryMs = 2_000;
/** Younger proof than this needs no probe. */
const freshMs = 5_000;
/** kafkajs waits for every answer first, and a frozen broker gives none. */
const closeGraceMs = 500;
/** For those that are still connecting. */
const closeTimeoutMs = 1_000;

type Address = Pick<BrokerAddress, 'host' | 'port'>;

/** Who was refused with these credentials asks no sooner again: brokers lock accounts that hammer. */
const refusedMs = 2_000;

interface Refusal {
  untilMs: number;
  error: Error;
}

interface Linked {
  link: BrokerLink;
  connecting: Promise<BrokerLink>;
}

/** The caller's request never reached a broker: nothing was written. */
export class NotSent extends Error {
  override name = 'NotSent';
}

/**
 * Connections to the brokers of one Kafka cluster. Each reader and writer has a Cluster of its own, so that nobody waits behind another's
 * long poll. A connection that failed or went silent is thrown away and made anew on the next use.
 */
export class Cluster {
  private readonly links = new Map<string, Promise<BrokerLink>>();
  private readonly refusals = new Map<string, Refusal>();
  /** Those of `links` that are connected: most requests need not wait for one. */
  private readonly open = new Map<string, Linked>();
  /** Thrown away, with answers to others still on their way. */
  private readonly leaving = new Set<BrokerLink>();
  private nodes = new Map<number, BrokerAddress>();
  private seeds: Address[];
  private reachable = true;
  private closed = false;
  private probing: Promise<Health> | undefined;
  /** When a broker last answered; 0 before the first time. */
  lastAnswerAtMs = 0;

  constructor(
    private readonly settings: KafkaSettings,
    private readonly logger: Logger,
  ) {
    this.seeds = settings.brokers.map(parseAddress);
  }

  /** @throws AppError unavailable */
  async metadata(
    topics: readonly string[] | 'all',
    timeoutMs = this.settings.requestTimeoutMs,
  ): Promise<ClusterMetadata> {
    const answer = await this.sendToAny(metadataRequest(topics), timeoutMs);
    this.learn(answer);
    return answer;
  }

  /** Asks brokers one after the other until one answers. @throws AppError unavailable */
  async sendToAny<T>(request: KafkaRequest<T>, timeoutMs = this.settings.requestTimeoutMs): Promise<T> {
    const deadlineMs = Date.now() + timeoutMs;
    let failure: unknown;
    for (const address of this.candidates()) {
      const leftMs = deadlineMs - Date.now();
      if (leftMs <= 0) break;
      try {
        return await this.sendTo(address, request, Math.min(leftMs, anyTryMs));
      } catch (error) {
        failure = error;
      }
    }
    throw this.unreachable(failure);
  }

  /** @throws NotSent when there is no connection to the broker, else what kafkajs throws */
  async send<T>(nodeId: number, request: KafkaRequest<T>): Promise<T> {
    const timeoutMs = this.settings.requestTimeoutMs + (request.timeoutMs ?? 0);
    return this.sendTo(this.addressOf(nodeId), request, timeoutMs);
  }

  /** Resolves when there is a connection, so that the caller can decide what to send when it can leave at once. @throws NotSent */
  async ready(nodeId: number): Promise<void> {
    if (!this.nodes.has(nodeId)) await this.metadata([]);
    await this.link(this.addressOf(nodeId));
  }

  /** From facts: the age of the last answer, else an answer now. */
  probe(): Promise<Health> | Health {
    if (this.reachable && Date.now() - this.lastAnswerAtMs < freshMs) return { ok: true };
    this.probing ??= this.ask().finally(() => {
      this.probing = undefined;
    });
    return this.probing;
  }

  /** How many are open. */
  get connections(): number {
    return connectionsOfLink * [...this.open.values()].filter(({ link }) => link.usable).length;
  }

  async close(): Promise<void> {
    this.closed = true;
    const links = [...this.links.values()];
    this.links.clear();
    this.open.clear();
    for (const link of this.leaving) link.cut();
    const closing = Promise.all(
      links.map((link) => link.then((ready) => ready.close(closeGraceMs)).catch(() => undefined)),
    );
    await atMost(closing, closeTimeoutMs);
  }

  private async ask(): Promise<Health> {
    try {
      await this.metadata([], anyTryMs);
      return { ok: true };
    } catch (error) {
      return { ok: false, reason: reasonOf(error) };
    }
  }

  private async sendTo<T>(address: Address, request: KafkaRequest<T>, timeoutMs: number): Promise<T> {
    return this.use(
      address,
      (link) => within(link.send(request, timeoutMs), timeoutMs, () => silent(address)),
      timeoutMs,
    );
  }

  private async use<T>(address: Address, work: (link: BrokerLink) => Promise<T>, connectMs?: number): Promise<T> {
    const { link, connecting } = await this.link(address, connectMs);
    try {
      const result = await work(link);
      this.answered();
      return result;
    } catch (error) {
      if (error instanceof MalformedBytes) link.cut();
      if (isAnswer(error)) this.answered();
      else this.drop(address, connecting);
      throw error;
    }
  }

  private async link(address: Address, connectMs = this.settings.requestTimeoutMs): Promise<Linked> {
    const open = this.open.get(keyOf(address));
    if (open?.link.usable) return open;
    try {
      for (;;) {
        const connecting = this.links.get(keyOf(address)) ?? this.connect(address);
        const link = await within(connecting, connectMs, () => silent(address));
        if (link.usable) return this.keepOpen(address, { link, connecting });
        this.drop(address, connecting);
      }
    } catch (error) {
      throw new NotSent(reasonOf(error), { cause: error });
    }
  }

  private keepOpen(address: Address, linked: Linked): Linked {
    const key = keyOf(address);
    if (this.links.get(key) === linked.connecting) this.open.set(key, linked);
    return linked;
  }

  private connect(address: Address): Promise<BrokerLink> {
    if (this.closed) return Promise.reject(new Error('the client is closed'));
    const key = keyOf(address);
    const refusal = this.refusals.get(key);
    if (refusal && Date.now() < refusal.untilMs) return Promise.reject(refusal.error);
    const { clientId, ssl, sasl, connectionTimeoutMs, requestTimeoutMs } = this.settings;
    const connecting = BrokerLink.connect({
      ...address,
      clientId,
      ssl,
      sasl,
      connectionTimeoutMs,
      requestTimeoutMs,
      log: ({ namespace, log }) => this.logger.debug({ namespace, broker: keyOf(address) }, log.message),
    });
    this.links.set(key, connecting);
    connecting.catch((error: Error) => {
      if (this.links.get(key) === connecting) this.links.delete(key);
      if (isRefusedLogin(error)) this.refusals.set(key, { untilMs: Date.now() + refusedMs, error });
    });
    return connecting;
  }

  private drop(address: Address, connecting: Promise<BrokerLink>): void {
    const key = keyOf(address);
    if (this.links.get(key) === connecting) {
      this.links.delete(key);
      this.open.delete(key);
    }
    void connecting.then((link) => this.retire(link)).catch(() => undefined);
  }

  private async retire(link: BrokerLink): Promise<void> {
    this.leaving.add(link);
    await link.close(this.closed ? 0 : this.settings.requestTimeoutMs);
    this.leaving.delete(link);
  }

  private addressOf(nodeId: number): Address {
    const address = this.nodes.get(nodeId);
    if (!address) throw new NotSent(`broker ${nodeId} is not known`);
    return address;
  }

  /** Connected brokers first, then known ones, then those of the configuration, in turn. */
  private candidates(): Address[] {
    const [first, ...others] = this.seeds;
    if (first) this.seeds = [...others, first];
    const all = [...[...this.links.keys()].map(parseAddress), ...this.nodes.values(), ...this.seeds];
    return [...new Map(all.map((address) => [keyOf(address), address])).values()];
  }

  private learn({ brokers }: ClusterMetadata): void {
    if (brokers.length > 0) this.nodes = new Map(brokers.map((broker) => [broker.nodeId, broker]));
  }

  private answered(): void {
    this.lastAnswerAtMs = Date.now();
    if (!this.reachable) this.logger.info({ brokers: this.settings.brokers }, 'Kafka is reachable again');
    this.reachable = true;
  }

  private unreachable(failure: unknown): AppError {
    const reason = failure === undefined ? 'no time was left' : reasonOf(failure);
    if (this.reachable && !this.closed)
      this.logger.warn({ brokers: this.settings.brokers, reason }, 'Kafka is not reachable');
    this.reachable = false;
    const message = isRefusedLogin(failure) ? 'Kafka refuses our login.' : 'Kafka is not reachable at the moment.';
    return new AppError('unavailable', message, {
      cause: failure,
      retryAfterMs: 1_000,
    });
  }
}

/** An error that Kafka sent us is a sign of life, bytes that nobody can read are not. */
function isAnswer(error: unknown): boolean {
  return kafkaCodeOf(error) !== undefined || (AppError.is(error) && !(error instanceof MalformedBytes));
}

function silent(address: Address): Error {
  return new Error(`broker ${keyOf(address)} does not answer`);
}

function keyOf({ host, port }: Address): string {
  return `${host}:${port}`;
}

function parseAddress(text: string): Address {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
}
