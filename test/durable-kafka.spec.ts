import { topics, type JsonObject } from '@tidegate/contracts';
import type { Producer } from '@tidegate/kafka';
import { closeRedis, createRedis, type Redis } from '@tidegate/redis';
import type { Session, StreamHub, StreamStart } from '@tidegate/streams';
import { createHash } from 'node:crypto';
import type { Bff } from './support/house';
import { until, type KafkaBench } from './support/kafka-bench';
import { StreamHouse } from './support/stream-house';
import { orderOf, reader, ScreenSink, streamReplica, type ReplicaOptions } from './support/stream-replica';
import { WebSocketClient } from './support/websocket-client';

function groupOf(subject: string, sub: string): string {
  const digest = createHash('sha256').update([subject, 'orders', sub].join('\0')).digest('base64url');
  return `tidegate.north.${digest.slice(0, 22)}`;
}

// Positions that the server keeps, on real brokers and with leases in a real Redis.
describe('durable subscriptions', () => {
  let house: StreamHouse;
  let bench: KafkaBench;
  let redis: Redis;
  let producer: Producer;
  let replicas: [Bff, Bff];

  beforeAll(async () => {
    house = await StreamHouse.start({ redis: true });
    ({ bench } = house);
    redis = await connected();
    producer = bench.producer();
    replicas = await Promise.all([house.startWeb('web-1'), house.startWeb('web-2')]);
  }, 120_000);

  afterAll(async () => {
    await closeRedis(redis);
    await house.stop();
  });

  const connected = async (): Promise<Redis> => {
    const client = createRedis({ url: house.redisUrl }, bench.deps);
    await until('Redis is there', () => client.status === 'ready');
    return client;
  };

  const replica = (topic: string, options: ReplicaOptions = {}): StreamHub =>
    streamReplica(bench, topic, { redis, limits: { commitMs: 100, batchBytes: 1 }, ...options });

  const put = async (topic: string, ...ids: string[]): Promise<void> => {
    for (const id of ids) await producer.send({ topic, key: null, value: orderOf(id), partition: 0 });
  };

  const follow = async (
    hub: StreamHub,
    sub: string,
    start: StreamStart = {},
  ): Promise<{ sink: ScreenSink; session: Session }> => {
    const sink = new ScreenSink();
    const session = await hub.subscribe(reader(), 'orders', { sub, from: 'earliest', ...start }, sink);
    await until('it is live', () => sink.caughtUps > 0);
    return { sink, session };
  };

  /** As Kafka's own tools see it: committed, and how far that is from the end. */
  const seen = async (topic: string, group: string): Promise<{ offset: number; lag: number; metadata: string }> => {
    const [[of], ends] = await Promise.all([
      bench.admin.fetchOffsets({ groupId: group, topics: [topic] }),
      bench.admin.fetchTopicOffsets(topic),
    ]);
    const { offset = '-1', metadata } = of?.partitions.find(({ partition }) => partition === 0) ?? {};
    const end = ends.find(({ partition }) => partition === 0)?.high ?? '0';
    return { offset: Number(offset), lag: Number(end) - Number(offset), metadata: metadata ?? '' };
  };

  it('are groups whose position and lag Kafka’s own tools show, and it never goes back', async () => {
    const topic = await bench.topic(1);
    const group = groupOf('13', 'lag');
    await put(topic, 'a', 'b', 'c', 'd');
    const hub = replica(topic);
    const { sink, session } = await follow(hub, 'lag');
    expect(sink.gaps).toEqual(['no-position']);
    const { topicId } = await bench.reader().topic(topic);
    await until('the first day is stored', async () => (await seen(topic, group)).offset === 0);
    expect(await seen(topic, group)).toEqual({ offset: 0, lag: 4, metadata: topicId });
    session.ack(sink.cursorOf.get('c') ?? '');
    await until('the lag is one', async () => (await seen(topic, group)).lag === 1);
    const offsets: number[] = [];
    for (const id of ['a', 'b', 'd', 'c', 'a']) {
      session.ack(sink.cursorOf.get(id) ?? '');
      await hub.ack(reader(), 'orders', 'lag', sink.cursorOf.get('b') ?? '');
      offsets.push((await seen(topic, group)).offset);
    }
    await until('all is acknowledged', async () => (await seen(topic, group)).lag === 0);
    expect(offsets).toEqual([...offsets].sort((one, other) => one - other));
    session.close();
  });

  it('go to a newcomer on another replica, and the one before is told and commits no more', async () => {
    const topic = await bench.topic(1);
    const group = groupOf('13', 'taken');
    await put(topic, 'a', 'b', 'c');
    const [one, other] = [replica(topic), replica(topic)];
    const { sink: first, session } = await follow(one, 'taken');
    session.ack(first.cursorOf.get('a') ?? '');
    await until('that is stored', async () => (await seen(topic, group)).offset === 1);
    const { sink: second, session: newcomer } = await follow(other, 'taken');
    expect([second.gaps, second.ids]).toEqual([[], ['b', 'c']]);
    session.ack(first.cursorOf.get('c') ?? '');
    await until('the one before is told', () => first.goodbye === 'taken');
    newcomer.ack(second.cursorOf.get('b') ?? '');
    await until('the newcomer’s is stored', async () => (await seen(topic, group)).offset === 2);
    // Through another door, on the replica that does not hold it.
    await one.ack(reader(), 'orders', 'taken', second.cursorOf.get('c') ?? '');
    await until('that reaches the holder', async () => (await seen(topic, group)).offset === 3);
    expect(second.goodbye).toBeUndefined();
    newcomer.close();
  });

  it('say no-position for a topic that was made again', async () => {
    const topic = await bench.topic(1);
    await put(topic, 'a', 'b');
    const { sink, session } = await follow(replica(topic), 'again');
    session.ack(sink.lastCursor);
    session.close();
    await until('that is stored', async () => (await seen(topic, groupOf('13', 'again'))).offset === 2);
    await bench.deleteTopic(topic);
    await bench.createTopic(topic, 1);
    await put(topic, 'c');
    const { sink: back } = await follow(replica(topic), 'again');
    expect([back.gaps, back.ids]).toEqual([['no-position'], ['c']]);
  });

  it('are refused while Redis is away, whatever else is served, and had again when it is back', async () => {
    const topic = await bench.topic(1);
    const hub = replica(topic);
    await house.withoutRedis(async () => {
      await until('Redis is missed', () => redis.status !== 'ready');
      await expect(follow(hub, 'away')).rejects.toMatchObject({ code: 'unavailable' });
      await hub.read(reader(), 'orders', { limit: 1, waitMs: 0 });
    });
    await until('Redis is there', () => redis.status === 'ready');
    await follow(hub, 'away');
  });

  it('go on where they were acknowledged when the server of their holder is killed', async () => {
    const token = await house.issuer.token('support', 'north', 'agent');
    const open = ({ url }: Bff) =>
      WebSocketClient.open(`${url.replace('http', 'ws')}/streams/orders`, token, { sub: 'desk', from: 'earliest' });
    const ids = (rows: readonly JsonObject[]) => rows.map((row) => row['orderId']);
    await put(topics.orders, 'o1', 'o2');
    const desk = await open(replicas[0]);
    expect(desk.frames.find(({ t }) => t === 'gap')?.reason).toBe('no-position');
    expect(ids(desk.rows)).toEqual(['o1', 'o2']);
    desk.send({ t: 'ack', s: 'orders', c: desk.cursor });
    const group = groupOf('agent', 'desk');
    await until('that is stored', async () => (await seen(topics.orders, group)).offset === 2);
    await put(topics.orders, 'o3');
    await desk.untilRows('orderId', ['o3']);

    await replicas[0].process.kill();
    await put(topics.orders, 'o4');
    const again = await open(replicas[1]);
    expect(ids(again.rows)).toEqual(['o3', 'o4']);
    expect(again.frames.some(({ t }) => t === 'gap')).toBe(false);

    const taker = await open(replicas[1]);
    await again.until(() => again.closeCode !== undefined, 'closed');
    expect([again.frames.at(-1)?.code, again.closeCode]).toEqual(['taken', 4409]);
    const acknowledged = await fetch(`${replicas[1].url}/streams/orders/acks`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ sub: 'desk', cursor: taker.cursor }),
    });
    expect(acknowledged.status).toBeLessThan(300);
    await until('all is acknowledged', async () => (await seen(topics.orders, group)).lag === 0);
    taker.close();
  });
});
