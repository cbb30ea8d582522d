import type { Producer } from '@tidegate/kafka';
import type { Session, StreamHub, StreamStart } from '@tidegate/streams';
import { KafkaBench, readAll, until } from './support/kafka-bench';
import { orderOf, reader, ScreenSink, streamReplica } from './support/stream-replica';

const compacted = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.01', 'segment.ms': '100' };

// Last values of a compacted topic, on two replicas that know nothing of each other.
describe('mode=latest over Kafka', () => {
  let bench: KafkaBench;
  let producer: Producer;

  beforeAll(async () => {
    // As soon as there is something to compact: the default is every 15 s.
    bench = await KafkaBench.start(1, { 'log.cleaner.backoff.ms': 100 });
    producer = bench.producer();
  }, 120_000);

  afterAll(() => bench.stop());

  const put = (topic: string, id: string, over = {}) => producer.send({ topic, key: id, value: orderOf(id, over) });
  const drop = (topic: string, id: string) => producer.send({ topic, key: id, value: null });

  const follow = async (
    hub: StreamHub,
    start: StreamStart = {},
    who = reader(),
  ): Promise<{ sink: ScreenSink; session: Session }> => {
    const sink = new ScreenSink();
    const session = await hub.subscribe(who, 'orders', { mode: 'latest', ...start }, sink);
    await until('the snapshot is over', () => sink.caughtUps > 0);
    return { sink, session };
  };

  it('shows two replicas of a compacted topic the same, and deletes and rows that left the view gone', async () => {
    const topic = await bench.topic(2, compacted);
    for (let round = 0; round < 10; round++) {
      await Promise.all(['a', 'b', 'c'].map((id) => put(topic, id, { status: round === 9 ? 'paid' : 'placed' })));
    }
    await put(topic, 'other', { customerId: '15' });
    await drop(topic, 'c');
    let ticks = 0;
    await until('old values are gone from the log', async () => {
      // The newest segment is never compacted, and a new one begins with a record only.
      await Promise.all(['tick', 'tock'].map((id) => put(topic, id, { customerId: '15', total: ++ticks })));
      return (await readAll(bench.reader(), topic)).length < 20 + Math.min(ticks, 20);
    });
    const hubs = [streamReplica(bench, topic), streamReplica(bench, topic)] as const;
    const [{ sink: first, session }, { sink: second }] = await Promise.all([follow(hubs[0]), follow(hubs[1])]);
    expect([first.screen, second.screen]).toEqual(['a:paid b:paid', 'a:paid b:paid']);
    expect(first.shown.get('a')).not.toHaveProperty('internalNotes');

    await drop(topic, 'a');
    await put(topic, 'b', { customerId: '15' });
    await put(topic, 'd');
    await Promise.all([first.untilShows('d:placed'), second.untilShows('d:placed')]);
    expect([...first.deleted].sort()).toEqual(['a', 'b']);
    expect([...second.deleted].sort()).toEqual(['a', 'b']);

    session.close();
    await put(topic, 'e');
    await second.untilShows('d:placed e:placed');
    const after = first.lastCursor;
    const [{ sink: same }, { sink: elsewhere }] = await Promise.all([
      follow(hubs[0], { after }),
      follow(hubs[1], { after }),
    ]);
    expect([same.gaps, elsewhere.gaps]).toEqual([[], []]);
    expect([new Set(same.ids), new Set(elsewhere.ids)].map((ids) => ids.has('e'))).toEqual([true, true]);
  });

  it('judges deletes in mode=events by the last value', async () => {
    const topic = await bench.topic(1, { 'cleanup.policy': 'compact' });
    await put(topic, 'a');
    await put(topic, 'other', { customerId: '15' });
    const hub = streamReplica(bench, topic);
    const { session } = await follow(hub);
    const events = new ScreenSink();
    await hub.subscribe(reader(), 'orders', { from: 'latest' }, events);
    await until('events are live', () => events.caughtUps > 0);
    await drop(topic, 'other');
    await drop(topic, 'a');
    await until('the delete has come', () => events.deleted.length > 0);
    expect(events.deleted).toEqual(['a']);
    session.close();
  });

  it('begins anew, after a gap, when the topic is made again', async () => {
    const topic = await bench.topic(1, { 'cleanup.policy': 'compact' });
    await put(topic, 'a');
    const { sink } = await follow(streamReplica(bench, topic));
    await bench.deleteTopic(topic);
    await bench.createTopic(topic, 1, { 'cleanup.policy': 'compact' });
    await put(topic, 'b');
    await until('it shows the new topic', () => sink.screen === 'b:placed', 40_000);
    await until('it is live again', () => sink.caughtUps > 1);
    expect(new Set(sink.gaps)).toEqual(new Set(['recreated']));
  });

  it('gives a slow reader of a busy topic each entity once', async () => {
    const topic = await bench.topic(3);
    const hub = streamReplica(bench, topic, { limits: { maxBlockedMs: 1 } });
    const [{ sink: slow }, { sink: quick }] = await Promise.all([follow(hub), follow(hub)]);
    slow.buffered = 1e6;
    const rows = 3_000;
    await Promise.all(Array.from({ length: rows }, (_, n) => put(topic, `o${n % 30}`, { total: n })));
    await put(topic, 'end', { status: 'paid' });
    await until('the quick one has all', () => quick.shown.has('end') && quick.shown.size === 31);
    expect(slow.ids).toEqual([]);
    slow.buffered = 0;
    await slow.untilShows(quick.screen);
    expect([slow.ids.length, slow.goodbye]).toEqual([31, undefined]);
    expect([...slow.shown].sort()).toEqual([...quick.shown].sort());
  });
});
