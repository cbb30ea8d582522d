import type { Producer, RangeReader } from '@tidegate/kafka';
import { setTimeout as sleep } from 'node:timers/promises';
import { forgeSequence } from './support/forged-batch';
import { until } from './support/kafka-bench';
import { noContradictions, ProduceLedger } from './support/produce-ledger';
import { ProduceLoad } from './support/produce-load';
import { ProxiedKafka } from './support/proxied-kafka';
import type { DecideFate, Fate, ProxiedRequest } from './support/tcp-proxy';

jest.setTimeout(180_000);

const produce = 0;
const requestTimeoutMs = 1_000;
const pass: Fate = { kind: 'pass' };

/** mulberry32: the same faults in every run, as far as timing lets them be. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('producing over a network that fails', () => {
  let kafka: ProxiedKafka;
  let reader: RangeReader;
  let decide: DecideFate = () => pass;
  let ledger: ProduceLedger;

  const producer = (): Producer => kafka.bench.producer({ brokers: kafka.brokers, requestTimeoutMs });

  beforeAll(async () => {
    kafka = await ProxiedKafka.start((request) => decide(request));
    reader = kafka.bench.reader();
  });

  afterAll(() => kafka.stop());

  beforeEach(() => {
    ledger = new ProduceLedger(kafka.bench);
  });

  afterEach(() => {
    decide = () => pass;
  });

  it('writes each record once and in order, wherever in a request or an answer the connection ends', async () => {
    const topics = [await kafka.bench.topic(6), await kafka.bench.topic(3), await kafka.bench.topic(1)];
    const random = seeded(20_261_125);
    const happened = new Map<string, number>();
    const fateOf = ({ apiKey, frame }: ProxiedRequest): Fate => {
      // The rest of the conversation fails less often, or there would be little left to produce over.
      if (apiKey !== produce && random() < 0.7) return pass;
      const draw = random();
      if (draw < 0.1) return { kind: 'cut', afterBytes: Math.floor(random() * frame.length) };
      if (draw < 0.2) return { kind: 'lose-answer', afterBytes: Math.floor(random() * 40) };
      if (draw > 0.99) return { kind: 'black-hole' };
      // Longer than a request may take: it arrives after the try that followed it.
      if (draw > 0.97 && apiKey === produce) return { kind: 'hold', until: sleep(random() * 2.5 * requestTimeoutMs) };
      return pass;
    };
    decide = (request) => {
      const fate = fateOf(request);
      const what = `${request.apiKey === produce ? 'produce' : 'other'} ${fate.kind}`;
      happened.set(what, (happened.get(what) ?? 0) + 1);
      return fate;
    };
    const load = kafka.bench.closed(new ProduceLoad(producer(), ledger, { topics, callers: 60, timeoutMs: 90_000 }));
    const enough = { 'produce cut': 25, 'produce lose-answer': 25, 'produce hold': 4, 'produce black-hole': 2 };
    await until(
      'enough has gone wrong',
      () => Object.entries(enough).every(([what, count]) => (happened.get(what) ?? 0) >= count),
      90_000,
    );
    decide = () => pass;
    await load.close();
    expect(await ledger.compare(reader)).toEqual(noContradictions);
    expect(ledger.count('acked')).toBe(ledger.sent.length);
  });

  it('never writes a record behind a later one, though its request arrives long after its caller gave up', async () => {
    const topic = await kafka.bench.topic(1);
    const slow = producer();
    await ledger.send(slow, topic, 'key');
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    decide = ({ apiKey }) => (apiKey === produce ? { kind: 'hold', until: released } : pass);
    expect(await ledger.send(slow, topic, 'key', 2_000)).toMatchObject({ code: 'timeout', outcome: 'unknown' });
    decide = () => pass;
    expect(await ledger.send(slow, topic, 'key')).toMatchObject({ outcome: 'acked' });
    release();
    for (let count = 0; count < 20; count += 1) await ledger.send(slow, topic, 'key');
    expect(await ledger.compare(reader)).toEqual(noContradictions);
    expect(ledger.count('acked')).toBe(ledger.sent.length - 1);
  });

  it.each([
    // The broker misses the records in between and refuses what follows (OUT_OF_ORDER_SEQUENCE_NUMBER).
    ['skips a thousand numbers', { epoch: 0, sequence: 1_000 }],
    // The broker takes it as the start of a new epoch and refuses the old one from then on (INVALID_PRODUCER_EPOCH).
    ['starts an epoch that the producer does not know', { epoch: 7, sequence: 'restart' }],
  ] as const)('goes on when a batch %s on its way', async (_, ahead) => {
    const topic = await kafka.bench.topic(1);
    const flowing = producer();
    await ledger.burst(flowing, topic, 'key', 20);
    let forged = 0;
    decide = ({ apiKey, frame }) => {
      if (apiKey === produce && forged === 0) {
        forgeSequence(frame, ahead);
        forged += 1;
      }
      return pass;
    };
    for (let round = 0; round < 20; round += 1) await ledger.burst(flowing, topic, 'key', 20);
    expect(forged).toBe(1);
    expect(await ledger.compare(reader)).toEqual(noContradictions);
    expect(ledger.count('acked')).toBe(ledger.sent.length);
  });
});
