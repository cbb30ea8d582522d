import { AppError } from '@tidegate/errors';
import type { ProducerRecord, TopicSpec } from '@tidegate/kafka';
import { Registry, type Logger } from '@tidegate/telemetry';
import { DeadLetters } from './dead-letters';

const letter = (offset: number) => ({
  ...{ topic: 'shop.orders', partition: 2, offset: String(offset), schema: 'order', stream: 'orders' },
  reason: 'not JSON',
});

function setUp({ refusals = 0, topicRefusals = 0 } = {}) {
  const sent: ProducerRecord[] = [];
  const topics: TopicSpec[] = [];
  const registry = new Registry();
  const close = jest.fn(() => Promise.resolve());
  const letters = new DeadLetters({
    sender: {
      send: (record) => {
        if (refusals-- > 0) return Promise.reject(new AppError('unavailable', 'Kafka cannot be reached.'));
        sent.push(record);
        return Promise.resolve({ topic: record.topic, partition: 0, offset: '0' });
      },
      close,
    },
    ensureTopic: (topic) => {
      if (topicRefusals-- > 0) return Promise.reject(new AppError('unavailable', 'Kafka cannot be reached.'));
      topics.push(topic);
      return Promise.resolve();
    },
    logger: { warn: () => undefined } as unknown as Logger,
    registry,
    now: () => Date.UTC(2026, 0, 1),
  });
  const counted = async (outcome: string) => {
    const { values = [] } = (await registry.getSingleMetric('tidegate_stream_dead_letters_total')?.get()) ?? {};
    return values.find(({ labels }) => labels['outcome'] === outcome)?.value ?? 0;
  };
  return { letters, sent, topics, close, counted };
}

describe(DeadLetters.name, () => {
  beforeEach(() => jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] }));
  afterEach(() => jest.useRealTimers());

  it('says where a record stands and what is wrong with it, keyed by its place, in a compacted topic', async () => {
    const { letters, sent, topics } = setUp();
    letters.add(letter(7));
    await jest.advanceTimersByTimeAsync(0);
    expect(topics).toMatchObject([{ topic: 'tidegate.dead-letters', config: { 'cleanup.policy': /compact/ } }]);
    expect(sent).toMatchObject([{ topic: 'tidegate.dead-letters', key: 'shop.orders/2/7' }]);
    expect(JSON.parse(String(sent[0]?.value))).toEqual({ ...letter(7), at: '2026-01-01T00:00:00.000Z' });
    await letters.close();
  });

  it('makes the topic when it starts, as soon as Kafka lets it', async () => {
    const { letters, sent, topics } = setUp({ topicRefusals: 2 });
    letters.start();
    letters.add(letter(7));
    await jest.advanceTimersByTimeAsync(5_000);
    expect([topics.length, sent.length]).toEqual([0, 0]);
    await jest.advanceTimersByTimeAsync(5_000);
    expect([topics.length, sent.length]).toEqual([1, 1]);
    await letters.close();
  });

  it('sends at most 200 a second, holds 2,000 back, and counts the rest', async () => {
    const { letters, sent, counted } = setUp();
    for (let offset = 0; offset < 3_000; offset++) letters.add(letter(offset));
    await jest.advanceTimersByTimeAsync(999);
    expect([sent.length, await counted('dropped')]).toEqual([200, 1_000]);
    await jest.advanceTimersByTimeAsync(9_001);
    expect([sent.length, await counted('written')]).toEqual([2_000, 2_000]);
    letters.add(letter(3_000));
    await jest.advanceTimersByTimeAsync(500);
    expect(sent).toHaveLength(2_001);
    await letters.close();
  });

  it('tries a letter again that Kafka did not take, four times and not for ever', async () => {
    const [kept, lost] = [setUp({ refusals: 4 }), setUp({ refusals: 5 })];
    for (const { letters } of [kept, lost]) letters.add(letter(1));
    await jest.advanceTimersByTimeAsync(10_000);
    expect([kept.sent.length, await kept.counted('failed')]).toEqual([1, 0]);
    expect([lost.sent.length, await lost.counted('failed')]).toEqual([0, 1]);
    await Promise.all([kept.letters.close(), lost.letters.close()]);
  });

  it('closes its way to Kafka and counts what did not go out', async () => {
    const { letters, close, counted } = setUp({ topicRefusals: Infinity });
    letters.add(letter(1));
    await jest.advanceTimersByTimeAsync(0);
    await letters.close();
    letters.add(letter(2));
    expect([close.mock.calls.length, await counted('dropped')]).toEqual([1, 2]);
  });
});
