import { createLogger, Registry } from '@tidegate/telemetry';
import { fakeBroker, metadataOf, type FakeBroker } from './broker.fixture';
import { Cluster } from './cluster';
import { kafkaCodes } from './errors';
import type { FetchedPartition } from './fetch';
import { offsetsAnswer } from './log.fixture';
import { kafkaMetrics } from './metrics';
import { kafkaSettings } from './options';
import { ReadReplicas } from './read-replicas';
import { encodeBatch } from './record-batch.fixture';
import { TailIntake } from './tail-intake';
import { TailTopic, type PartitionPosition, type TailListener } from './tail-topic';

const logger = createLogger({ service: 'test', level: 'silent' });
const leader = 1;

describe(TailIntake.name, () => {
  let topic: TailTopic;
  let position: PartitionPosition;
  let log: unknown[][];
  let replicas: ReadReplicas;
  let intake: TailIntake;
  let cluster: Cluster;
  const refresh = jest.fn(() => Promise.resolve());

  beforeEach(() => {
    log = [];
    refresh.mockClear();
    topic = new TailTopic('t', 'id', logger);
    topic.place(0, 10n, 0n, leader);
    position = topic.positions.get(0) as PartitionPosition;
    const listener: Partial<TailListener> = {
      onRecords: (_, records, next) => log.push(['records', records.map(({ value }) => String(value)), next]),
      onReset: (...call) => log.push(['reset', ...call]),
    };
    topic.attach(listener as TailListener, () => undefined);
    replicas = new ReadReplicas('rack');
    cluster = clusterOf(1);
    intake = makeIntake();
  });

  const clusterOf = (port: number): Cluster =>
    new Cluster(kafkaSettings({ brokers: [`127.0.0.1:${port}`], clientId: 'test' }, 500), logger);

  const makeIntake = (): TailIntake =>
    new TailIntake({
      cluster,
      replicas,
      logger,
      metrics: kafkaMetrics(new Registry()),
      maxInflatedBytes: 1_000,
      topic: (name) => (name === 't' ? topic : undefined),
      refresh,
    });

  const take = (change: Partial<FetchedPartition>): void => {
    const fetched = {
      topicId: 'id',
      partition: 0,
      errorCode: 0,
      highWatermark: 99n,
      lastStable: 99n,
      logStart: 3n,
      aborted: [],
      preferredReplica: -1,
      records: Buffer.alloc(0),
    };
    intake.take(leader, position, { ...fetched, ...change });
  };

  const batch = (...values: string[]): Buffer =>
    encodeBatch(
      values.map((value) => ({ key: null, value: Buffer.from(value) })),
      { baseOffset: 10n },
    );

  it('delivers records and moves on', () => {
    take({ records: batch('a', 'b') });
    expect(log).toEqual([['records', ['a', 'b'], 12n]]);
    expect([position.next, position.logStart]).toEqual([12n, 3n]);
  });

  it('says nothing of an empty fetch', () => {
    take({});
    expect(log).toEqual([]);
  });

  it('drops the answer to a question about the topic before it was made again', () => {
    const { name, positions } = topic;
    topic.learn({ errorCode: 0, name, topicId: 'new', partitions: [{ partition: 0, errorCode: 0, leader }] });
    log = [];
    take({ records: batch('old') });
    expect([log, positions.get(0)?.next]).toEqual([[], 0n]);
  });

  it('fetches a batch again that cannot be read, and passes over it the third time, saying so', () => {
    const broken = batch('a', 'b');
    broken.writeUInt8(0xee, broken.length - 1);
    take({ records: broken });
    take({ records: broken });
    expect([log, position.next]).toEqual([[], 10n]);
    expect(position.heldUntilMs).toBeGreaterThan(Date.now());
    take({ records: broken });
    expect([log, position.next]).toEqual([[['reset', 'truncated', 0, 12n]], 12n]);
  });

  it('goes back to where the log has lost what it had read, and says so', () => {
    take({ records: batch('a', 'b') });
    expect(position.lastEpoch).toBe(-1);
    take({ divergesAt: 4n });
    expect([log.slice(1), position.next, position.lastEpoch]).toEqual([[['reset', 'truncated', 0, 4n]], 4n, undefined]);
  });

  it('rests after an error and has the metadata looked at', () => {
    take({ errorCode: kafkaCodes.unknownTopicId });
    expect(position.next).toBe(10n);
    expect(position.heldUntilMs).toBeGreaterThan(Date.now());
    expect(refresh).toHaveBeenCalledTimes(1);
  });

  it('reads from the replica that the leader names, and from the leader again when that one fails', () => {
    take({ preferredReplica: 2 });
    expect(replicas.nodeFor('t', 0, leader)).toBe(2);
    intake.take(2, position, {
      topicId: 'id',
      partition: 0,
      errorCode: kafkaCodes.offsetOutOfRange,
      highWatermark: 0n,
      lastStable: 0n,
      logStart: 0n,
      aborted: [],
      preferredReplica: -1,
      records: Buffer.alloc(0),
    });
    expect(replicas.nodeFor('t', 0, leader)).toBe(leader);
    expect(log).toEqual([]);
  });

  describe('when its position is not in the log', () => {
    let broker: FakeBroker;

    afterEach(async () => {
      broker.close();
      await cluster.close();
    });

    it.each([
      ['before it', 10n, [['reset', 'retention', 0, 20n]], 20n],
      ['behind its end', 31n, [['reset', 'truncated', 0, 30n]], 30n],
      ['in it after all', 25n, [], 25n],
    ])('goes on where there is something, and says so: %s', async (_, from, heard, next) => {
      broker = await fakeBroker(({ apiKey, body }) =>
        apiKey === 3 ? metadataOf([broker.port]) : offsetsAnswer(body, 20n, 30n),
      );
      cluster = clusterOf(broker.port);
      await cluster.metadata(['t']);
      intake = makeIntake();
      position.next = from;
      take({ errorCode: kafkaCodes.offsetOutOfRange });
      expect(position.heldUntilMs).toBe(Infinity);
      while (position.heldUntilMs === Infinity) await new Promise((resolve) => setTimeout(resolve, 5));
      expect([log, position.next]).toEqual([heard, next]);
    });

    it('says that something may be gone where the log does not know the leader of what was read', async () => {
      broker = await fakeBroker(({ apiKey, body }) =>
        apiKey === 3 ? metadataOf([broker.port]) : offsetsAnswer(body, 3n, 30n),
      );
      cluster = clusterOf(broker.port);
      await cluster.metadata(['t']);
      intake = makeIntake();
      position.lastEpoch = 7;
      take({ errorCode: kafkaCodes.offsetOutOfRange });
      while (position.heldUntilMs === Infinity) await new Promise((resolve) => setTimeout(resolve, 5));
      expect([log, position.next]).toEqual([[['reset', 'truncated', 0, 10n]], 10n]);
    });
  });
});
