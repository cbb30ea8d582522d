import { AppError } from '@tidegate/errors';
import type { Placement, Producer, RangeReader } from '@tidegate/kafka';
import { randomUUID } from 'node:crypto';
import { readAll, until, type KafkaBench } from './kafka-bench';

/** What a caller heard: the record is in Kafka, is not, or nobody knows. `untyped` is a mistake of ours. */
type Outcome = 'acked' | 'refused' | 'unknown' | 'untyped';

export interface Sent {
  topic: string;
  key: string | null;
  value: string;
  /** Position among all sends of this ledger. */
  order: number;
  /** Which of the producers, by the order of their first sends. */
  producer: number;
  timeoutMs: number;
  outcome?: Outcome;
  code?: string;
  placement?: Placement;
  tookMs?: number;
}

interface Logged {
  partition: number;
  offset: string;
  key: string | null;
  value: string;
}

/** What a log shows that contradicts what callers heard; each list holds examples and is empty when all is well. */
export interface Contradictions {
  lost: string[];
  misplaced: string[];
  twice: string[];
  refusedButWritten: string[];
  neverSent: string[];
  disordered: string[];
  unsettled: string[];
  untyped: string[];
}

export const noContradictions: Contradictions = {
  lost: [],
  misplaced: [],
  twice: [],
  refusedButWritten: [],
  neverSent: [],
  disordered: [],
  unsettled: [],
  untyped: [],
};

/** Every record sent, what its caller heard, and the comparison with what stands in Kafka. */
export class ProduceLedger {
  readonly sent: Sent[] = [];
  private readonly producers: Producer[] = [];

  /** @param name tells the records of several ledgers in one topic apart; without it, a foreign record is a contradiction. */
  constructor(
    private readonly bench: KafkaBench,
    private readonly name = '',
  ) {}

  /** Sends a record of a value that nobody else sends; resolves, whatever becomes of it. */
  async send(producer: Producer, topic: string, key: string | null, timeoutMs = 10_000): Promise<Sent> {
    const order = this.sent.length;
    const sent: Sent = {
      topic,
      producer: this.numberOf(producer),
      key,
      value: `${this.name}#${order} ${'x'.repeat(order % 200)}`,
      order,
      timeoutMs,
    };
    this.sent.push(sent);
    const atMs = performance.now();
    try {
      sent.placement = await producer.send({ topic, key, value: sent.value }, { timeoutMs });
      sent.outcome = 'acked';
    } catch (error) {
      sent.outcome = outcomeOf(error);
      sent.code = AppError.is(error) ? error.code : String(error);
    }
    sent.tookMs = performance.now() - atMs;
    return sent;
  }

  /** Sends that many at once, without a pause between them. */
  burst(producer: Producer, topic: string, key: string | null, count: number, timeoutMs?: number): Promise<Sent[]> {
    return Promise.all(Array.from({ length: count }, () => this.send(producer, topic, key, timeoutMs)));
  }

  count(outcome: Outcome): number {
    return this.sent.filter((sent) => sent.outcome === outcome).length;
  }

  /** By how much the slowest answer came after its deadline. */
  get worstDelayMs(): number {
    return this.sent.reduce(
      (worst, { tookMs = Infinity, timeoutMs }) => Math.max(worst, tookMs - timeoutMs),
      -Infinity,
    );
  }

  /** Reads the topics by our reader and by kafkajs' consumer, and compares both with what callers heard. */
  async compare(reader: RangeReader): Promise<Contradictions> {
    const topics = [...new Set(this.sent.map(({ topic }) => topic))];
    const read = new Map<string, Logged[]>();
    for (const topic of topics) read.set(topic, (await readAll(reader, topic)).map(logged));
    expect(await readByKafkaJs(this.bench, topics)).toEqual(read);
    const found = structuredClone(noContradictions);
    for (const [topic, log] of read) this.compareTopic(topic, log, found);
    return found;
  }

  private numberOf(producer: Producer): number {
    const known = this.producers.indexOf(producer);
    return known < 0 ? this.producers.push(producer) - 1 : known;
  }

  private compareTopic(topic: string, log: Logged[], found: Contradictions): void {
    const byValue = new Map(this.sent.filter((sent) => sent.topic === topic).map((sent) => [sent.value, sent]));
    const places = new Map<string, string>();
    const latest = new Map<string, Sent>();
    for (const { partition, offset, value, key } of log) {
      if (!value.startsWith(this.name)) continue;
      const place = `${topic}/${partition}/${offset}`;
      const sent = byValue.get(value);
      if (sent?.key !== key) {
        note(found.neverSent, place);
        continue;
      }
      if (places.has(value)) note(found.twice, `${place} ${describeSent(sent)}, also ${places.get(value)}`);
      places.set(value, place);
      if (sent.outcome === 'refused') note(found.refusedButWritten, `${place} ${describeSent(sent)}`);
      const flow = `${partition} of producer ${sent.producer}`;
      const before = latest.get(flow);
      if (before && before.order > sent.order) {
        note(found.disordered, `${place} ${describeSent(sent)} after ${describeSent(before)}`);
      }
      latest.set(flow, sent);
    }
    for (const sent of byValue.values()) this.compareSent(sent, places.get(sent.value), found);
  }

  private compareSent(sent: Sent, place: string | undefined, found: Contradictions): void {
    if (sent.outcome === undefined) note(found.unsettled, describeSent(sent));
    if (sent.outcome === 'untyped') note(found.untyped, describeSent(sent));
    if (!sent.placement) return;
    const { topic, partition, offset } = sent.placement;
    const acknowledged = `${topic}/${partition}/${offset}`;
    if (place === undefined) note(found.lost, `${acknowledged} ${describeSent(sent)}`);
    else if (place !== acknowledged) note(found.misplaced, `${acknowledged} ${describeSent(sent)} is at ${place}`);
  }
}

function outcomeOf(error: unknown): Outcome {
  if (!AppError.is(error) || error.code === 'internal') return 'untyped';
  return error.outcome === 'unknown' ? 'unknown' : 'refused';
}

function note(list: string[], what: string): void {
  if (list.length < 5) list.push(what);
}

function describeSent({ order, key, outcome, code = '', tookMs = 0 }: Sent): string {
  return `#${order} (key ${key}, ${outcome} ${code} after ${Math.round(tookMs)} ms)`;
}

function logged({
  partition,
  offset,
  key,
  value,
}: {
  partition: number;
  offset: bigint | string;
  key: Buffer | null;
  value: Buffer | null;
}): Logged {
  return { partition, offset: String(offset), key: key && String(key), value: String(value) };
}

/** As somebody else's consumer sees the topics, from their start to where they end now. */
async function readByKafkaJs({ kafka, admin }: KafkaBench, topics: string[]): Promise<Map<string, Logged[]>> {
  const read = new Map<string, Logged[]>(topics.map((topic) => [topic, []]));
  const missing = new Map<string, bigint>();
  for (const topic of topics) {
    for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
      if (BigInt(high) > BigInt(low)) missing.set(`${topic}/${partition}`, BigInt(high));
    }
  }
  const consumer = kafka.consumer({ groupId: `ledger-${randomUUID()}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topics, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatch: ({ batch }) => {
      const { topic, partition } = batch;
      for (const message of batch.messages) read.get(topic)?.push(logged({ partition, ...message }));
      const place = `${topic}/${partition}`;
      if (BigInt(batch.lastOffset()) + 1n >= (missing.get(place) ?? 0n)) missing.delete(place);
      return Promise.resolve();
    },
  });
  await until('the consumer has read everything', () => missing.size === 0);
  await consumer.disconnect();
  for (const records of read.values()) records.sort((left, right) => left.partition - right.partition);
  return read;
}
