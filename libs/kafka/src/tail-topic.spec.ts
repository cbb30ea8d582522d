import { createLogger } from '@tidegate/telemetry';
import type { TopicMetadata } from './metadata';
import { TailTopic, type PartitionPosition, type TailListener } from './tail-topic';

const logger = createLogger({ service: 'test', level: 'silent' });

function metadata(topicId: string, partitions: number): TopicMetadata {
  const list = Array.from({ length: partitions }, (_, partition) => ({ partition, errorCode: 0, leader: 1 }));
  return { errorCode: 0, name: 't', topicId, partitions: list };
}

function topicOf(partitions: number): TailTopic {
  const topic = new TailTopic('t', 'first', logger);
  for (let partition = 0; partition < partitions; partition += 1) topic.place(partition, 50n, 10n, 1);
  return topic;
}

function listener(log: unknown[][]): TailListener {
  return {
    onRecords: (...call) => log.push(['records', ...call]),
    onReset: (...call) => log.push(['reset', ...call]),
    onPartitionAdded: (...call) => log.push(['added', ...call]),
    onDeleted: () => log.push(['deleted']),
    onUnavailable: (...call) => log.push(['unavailable', ...call]),
    onAvailable: () => log.push(['available']),
  };
}

describe(TailTopic.name, () => {
  let log: unknown[][];

  beforeEach(() => {
    log = [];
  });

  it('tells each listener the first offset that it will hear', () => {
    const topic = topicOf(1);
    topic.deliver(topic.positions.get(0) as PartitionPosition, [], 60n);
    const tail = topic.attach(listener(log), () => undefined);
    expect(tail.partitions()).toEqual([{ partition: 0, startOffset: 60n, logStart: 10n }]);
  });

  it('reads a new partition from its very first record', () => {
    const topic = topicOf(1);
    const tail = topic.attach(listener(log), () => undefined);
    topic.learn(metadata('first', 2));
    expect(log).toEqual([['added', 1, 0n]]);
    expect(tail.partitions()[1]).toMatchObject({ partition: 1, startOffset: 0n });
  });

  it('starts over when the topic was made again, and ignores what a lagging broker still says', () => {
    const topic = topicOf(2);
    const tail = topic.attach(listener(log), () => undefined);
    const before = topic.positions.get(0);
    topic.learn(metadata('second', 1));
    expect(log).toEqual([['reset', 'recreated', 0, 0n]]);
    expect(topic.positions.get(0)).not.toBe(before);
    expect([tail.topicId, tail.partitions()]).toEqual(['second', [{ partition: 0, startOffset: 0n, logStart: 0n }]]);
    topic.learn(metadata('first', 2));
    expect([log.length, tail.topicId]).toEqual([1, 'second']);
  });

  it('takes a topic for deleted when it is missing twice, and says so once', () => {
    const topic = topicOf(1);
    topic.attach(listener(log), () => undefined);
    topic.learnMissing();
    topic.learn(metadata('first', 1));
    topic.learnMissing();
    expect(log).toEqual([]);
    topic.learnMissing();
    topic.learnMissing();
    expect(log).toEqual([['deleted']]);
    topic.learn(metadata('second', 1));
    expect(log.at(-1)).toEqual(['reset', 'recreated', 0, 0n]);
  });

  it('goes on with a topic that was taken for deleted and is there', () => {
    const topic = topicOf(1);
    topic.attach(listener(log), () => undefined);
    topic.judge(Date.now() + 1, 'broker away');
    topic.learnMissing();
    topic.learnMissing();
    expect([topic.deleted, topic.stale]).toEqual([true, false]);
    topic.learn(metadata('first', 1));
    expect(log).toEqual([['unavailable', 'broker away'], ['deleted'], ['available']]);
    topic.judge(Date.now() - 1_000, '');
    expect([topic.deleted, topic.stale, log.length]).toEqual([false, false, 3]);
  });

  it('says once that it is stale and once that it is live again', () => {
    const topic = topicOf(1);
    topic.attach(listener(log), () => undefined);
    topic.judge(Date.now() + 1, 'broker away');
    topic.judge(Date.now() + 1, 'broker away');
    topic.judge(Date.now() - 1_000, '');
    expect(log).toEqual([['unavailable', 'broker away'], ['available']]);
  });

  it('goes on for the others when a listener throws', () => {
    const topic = topicOf(1);
    const broken = listener([]);
    broken.onRecords = () => {
      throw new Error('listener');
    };
    topic.attach(broken, () => undefined);
    topic.attach(listener(log), () => undefined);
    topic.deliver(topic.positions.get(0) as PartitionPosition, [], 51n);
    expect(log).toEqual([['records', 0, [], 51n]]);
  });

  it('is in use until its last listener closes', async () => {
    const topic = topicOf(1);
    const released = jest.fn();
    const first = topic.attach(listener(log), released);
    const second = topic.attach(listener(log), released);
    await first.close();
    expect(topic.inUse).toBe(true);
    await second.close();
    expect([topic.inUse, released.mock.calls.length]).toEqual([false, 2]);
  });
});
