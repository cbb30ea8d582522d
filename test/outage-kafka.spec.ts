import { freePort } from '@tidegate/infra';
import { Producer, type KafkaRecord, type RangeReader } from '@tidegate/kafka';
import { Registry } from '@tidegate/telemetry';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Heard, KafkaBench, readAll, until, valueOf } from './support/kafka-bench';
import { noContradictions, ProduceLedger, type Sent } from './support/produce-ledger';
import { ProduceLoad } from './support/produce-load';
import { ProducerProcess } from './support/producer-process';

jest.setTimeout(180_000);

const outageMs = 60_000;
/** What a busy machine may add to a deadline. */
const slackMs = 1_500;

/** Reads a topic on and on, from its start, as a client would that asks again after each refusal. */
class Follower {
  readonly records: KafkaRecord[] = [];
  refusals = 0;
  private running = true;
  private readonly reading: Promise<unknown>;

  constructor(reader: RangeReader, topic: string, partitions: number) {
    this.reading = Promise.all(
      Array.from({ length: partitions }, (_, partition) => this.follow(reader, topic, partition)),
    );
  }

  async close(): Promise<void> {
    this.running = false;
    await this.reading;
  }

  private async follow(reader: RangeReader, topic: string, partition: number): Promise<void> {
    for (let from = 0n; this.running;) {
      try {
        const { records, next } = await reader.readRange(topic, partition, from, 1 << 20);
        this.records.push(...records);
        from = next;
      } catch {
        this.refusals += 1;
      }
      await sleep(50);
    }
  }
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

const placesOf = (records: readonly KafkaRecord[]): string[] =>
  records.map((record) => `${record.partition}/${record.offset} ${valueOf(record)}`).sort();

// The tests of a part run in turn within one outage.
describe('all three brokers', () => {
  let bench: KafkaBench;
  let reader: RangeReader;
  let topic: string;
  let ledger: ProduceLedger;
  let warm: Producer;

  const every = (action: 'kill' | 'start' | 'pause' | 'resume'): Promise<unknown> =>
    Promise.all(bench.cluster.nodes.map((node) => node[action]()));

  const tellsInTime = async (producer: Producer, count: number, timeoutMs: number): Promise<Sent[]> => {
    const sent = await ledger.burst(producer, topic, null, count, timeoutMs);
    for (const { tookMs = Infinity } of sent) expect(tookMs).toBeLessThan(timeoutMs + slackMs);
    return sent;
  };

  beforeAll(async () => {
    bench = await KafkaBench.start(3);
    reader = bench.reader();
    warm = bench.producer();
  });

  afterAll(() => bench.stop());

  describe('killed for a minute', () => {
    let downAtMs: number;
    let heard: Heard;
    let follower: Follower;
    let patient: Promise<Sent[]>;
    let child: ProducerProcess;

    beforeAll(async () => {
      topic = await bench.topic(3);
      ledger = new ProduceLedger(bench);
      heard = new Heard();
      await bench.pool().open(topic, heard);
      follower = bench.closed(new Follower(bench.reader(), topic, 3));
      const load = bench.closed(new ProduceLoad(warm, ledger, { topics: [topic], callers: 30, timeoutMs: 3_000 }));
      child = ProducerProcess.start(bench.cluster.brokers, await bench.topic(1));
      await child.send(1);
      await until(
        'records flow',
        () => ledger.count('acked') > 300 && heard.records.length > 300 && child.outcomes.length === 1,
      );
      await every('kill');
      downAtMs = Date.now();
      await load.close();
      const queueing = bench.producer({ maxQueueBytes: 10_000, whenFull: 'wait' });
      const waiting = [
        ...['a', 'b', 'c', null].map((key) => ledger.burst(warm, topic, key, 50, 150_000)),
        ledger.burst(queueing, topic, 'd', 400, 150_000),
      ];
      patient = Promise.all(waiting).then((sent) => sent.flat());
    });

    afterAll(() => child.kill());

    it('tells each sender by its deadline that nothing was written', async () => {
      const fresh = bench.producer();
      const nowhere = bench.producer({ brokers: [`127.0.0.1:${await freePort()}`] });
      const told = await Promise.all(
        [warm, fresh, nowhere].flatMap((producer) => [
          tellsInTime(producer, 1, 1_000),
          tellsInTime(producer, 3, 5_000),
        ]),
      );
      expect(new Set(told.flat().map(({ code }) => code))).toEqual(new Set(['unavailable']));
    });

    it('holds no more than its bytes, and refuses what is beyond', async () => {
      const registry = new Registry();
      const maxQueueBytes = 50_000;
      const small = bench.closed(new Producer({ ...bench.options, maxQueueBytes }, { ...bench.deps, registry }));
      const queueBytes = async (): Promise<number> =>
        (await registry.getSingleMetric('kafka_queue_bytes')?.get())?.values[0]?.value ?? NaN;
      const waiting = ledger.burst(small, topic, null, 1_000, 4_000);
      expect(await queueBytes()).toBeGreaterThan(maxQueueBytes / 2);
      expect(await queueBytes()).toBeLessThanOrEqual(maxQueueBytes);
      const tookMs = (await waiting).map((sent) => sent.tookMs ?? Infinity);
      expect(tookMs.filter((ms) => ms < 1_000).length).toBeGreaterThan(300);
      expect(tookMs.filter((ms) => ms > 3_900).length).toBeGreaterThan(300);
      expect(await queueBytes()).toBe(0);
    });

    it('keeps nothing of what it could not write', async () => {
      // This one does not even know the topic yet; the other has records that wait for Kafka, and now so has this one.
      const fresh = bench.producer();
      const waiting = ledger.send(fresh, topic, null, 150_000);
      const failing = async (producer: Producer): Promise<void> => {
        const sends = Array.from({ length: 2_000 }, () =>
          producer.send({ topic, key: null, value: 'x'.repeat(1_000) }, { timeoutMs: 300 }),
        );
        expect((await Promise.allSettled(sends)).every(({ status }) => status === 'rejected')).toBe(true);
      };
      await Promise.all([warm, fresh].map(failing));
      const before = heapBytes();
      for (let round = 0; round < 10; round += 1) await Promise.all([warm, fresh].map(failing));
      // 40,000 records of a kilobyte each went by.
      expect(heapBytes() - before).toBeLessThan(4_000_000);
      patient = Promise.all([patient, waiting]).then(([many, one]) => [...many, one]);
    });

    it('lets a process end in order, each of its sends with an error', async () => {
      await child.send(1_000);
      const { code, tookMs } = await child.terminate();
      expect(code).toBe(0);
      expect(tookMs).toBeLessThan(8_000);
      expect(child.outcomes.filter((told) => told.code === 'unavailable')).toHaveLength(1_000);
    });

    it('writes once what waited long enough; tail and reader go on without loss or gap', async () => {
      await sleep(downAtMs + outageMs - Date.now());
      expect(heard.events).toEqual(['unavailable']);
      await every('start');
      expect(new Set((await patient).map(({ outcome }) => outcome))).toEqual(new Set(['acked']));
      expect(await ledger.compare(reader)).toEqual(noContradictions);
      expect(ledger.count('unknown') + ledger.count('refused')).toBeGreaterThan(1_000);
      const places = placesOf(await readAll(reader, topic));
      await until(
        'tail and reader have caught up',
        () => heard.records.length >= places.length && follower.records.length >= places.length,
      );
      expect(placesOf(heard.records)).toEqual(places);
      expect(placesOf(follower.records)).toEqual(places);
      expect(heard.events).toEqual(['unavailable', 'available']);
      expect(follower.refusals).toBeGreaterThan(3);
    });
  });

  describe('frozen', () => {
    let child: ProducerProcess;
    let childTopic: string;

    beforeAll(async () => {
      topic = await bench.topic(3);
      childTopic = await bench.topic(1);
      ledger = new ProduceLedger(bench);
      child = ProducerProcess.start(bench.cluster.brokers, childTopic);
      await child.send(1);
      await until('records flow', () => child.outcomes.length === 1);
      await ledger.burst(warm, topic, null, 30);
      await every('pause');
    });

    afterAll(async () => {
      await every('resume');
      child.kill();
    });

    it('leave open what may have been written, and all else is unavailable, each by its deadline', async () => {
      const first = Promise.all(['a', 'b', null].map((key) => ledger.burst(warm, topic, key, 3, 20_000)));
      const told = await Promise.all([
        tellsInTime(warm, 1, 1_000),
        tellsInTime(warm, 3, 3_000),
        tellsInTime(bench.producer(), 3, 3_000),
      ]);
      for (const { code } of told.flat()) expect(['unavailable', 'timeout']).toContain(code);
      await child.send(1_000);
      const terminated = child.terminate();
      await every('resume');
      expect(await terminated).toMatchObject({ code: 0 });
      expect(child.outcomes.filter(({ placement }) => placement)).toHaveLength(1_001);
      await first;
      await ledger.burst(warm, topic, 'a', 3);
      expect(await ledger.compare(reader)).toEqual(noContradictions);
      const written = new Map(
        (await readAll(reader, childTopic)).map((record) => [String(record.offset), valueOf(record)]),
      );
      expect(written.size).toBe(1_001);
      for (const { value, placement } of child.outcomes) expect(written.get(placement?.offset ?? '')).toBe(value);
    });
  });
});
