import { AppError } from '@tidegate/errors';
import { Screen } from './latest-fixture';
import { caller, HeardSink, order, replica, viewOf, world, type World, type WorldOptions } from './stream-fixture';

const worlds: World[] = [];
const pollMs = 5;

function open(sources: readonly object[], topics: Record<string, number>, over: WorldOptions = {}): World {
  const stream = { sources: sources as never, latest: { maxKeys: 100, maxBytes: 1e7 }, ...over.stream };
  const made = world({ ...over, stream, limits: { topicsPollMs: pollMs, ...over.limits } });
  for (const [topic, partitions] of Object.entries(topics)) made.log.create(topic, partitions);
  worlds.push(made);
  return made;
}

afterEach(() => Promise.all(worlds.splice(0).map(({ hub }) => hub.close())));

interface PutOptions {
  partition?: number;
  timestampMs?: number;
  status?: string;
}

const put = (
  { log }: World,
  topic: string,
  id: string,
  { partition = 0, timestampMs = Date.now(), ...over }: PutOptions = {},
) => log.append(topic, { key: id, value: order(id, over), timestampMs }, partition);

async function follow({ hub }: Pick<World, 'hub'>, start = {}, sink = new HeardSink()) {
  const session = await hub.subscribe(caller(), 'orders', start, sink);
  await sink.until(() => sink.kinds.includes('caught-up'));
  return { sink, session };
}

const gapsOf = (sink: HeardSink) => sink.of('gap').map(({ reason }) => reason);
const healthOf = async ({ hub }: World) => {
  const health = await hub.health.check();
  return health.ok ? undefined : health.reason;
};
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, pollMs));
}

const two = [{ topic: 'a' }, { topic: 'b' }];

describe('a stream of several topics', () => {
  it('merges them, each partition in its order, and resumes each where it was', async () => {
    const all = open(two, { a: 2, b: 1 });
    for (const id of ['a1', 'a2']) put(all, 'a', id);
    put(all, 'a', 'a3', { partition: 1 });
    for (const id of ['b1', 'b2', 'b3']) put(all, 'b', id);
    const { sink, session } = await follow(all, { from: 'earliest' });
    expect([...sink.ids].sort()).toEqual(['a1', 'a2', 'a3', 'b1', 'b2', 'b3']);
    for (const topic of ['a1 a2', 'b1 b2 b3']) {
      expect(sink.ids.filter((id) => topic.includes(id)).join(' ')).toBe(topic);
    }
    session.close();
    put(all, 'b', 'b4');
    put(all, 'a', 'a4', { partition: 1 });
    const { sink: again } = await follow({ hub: replica(all, {}, { sources: two }) }, { after: sink.lastCursor });
    expect([[...again.ids].sort(), gapsOf(again)]).toEqual([['a4', 'b4'], []]);
  });

  it('says that one was made again, and goes on in the other as if nothing were', async () => {
    const all = open(two, { a: 1, b: 1 });
    for (const topic of ['a', 'b']) put(all, topic, `${topic}1`);
    const { sink, session } = await follow(all, { from: 'earliest' });
    session.close();
    all.log.recreate('b');
    for (const topic of ['a', 'b']) put(all, topic, `${topic}2`);
    const { sink: again } = await follow(all, { after: sink.lastCursor });
    await again.until(() => again.ids.length === 2);
    expect([[...again.ids].sort(), gapsOf(again)]).toEqual([['a2', 'b2'], ['recreated']]);
  });

  it('has one last value of a key that stands in both, the later one', async () => {
    const all = open(two, { a: 1, b: 1 });
    const atMs = Date.now();
    put(all, 'b', 'x', { status: 'paid', timestampMs: atMs });
    put(all, 'a', 'x', { status: 'placed', timestampMs: atMs - 10 });
    const screen = new Screen();
    await follow(all, { mode: 'latest' }, screen);
    expect(screen.shows).toEqual(['x:paid']);
    put(all, 'a', 'x', { status: 'shipped', timestampMs: atMs + 10 });
    await screen.until(() => screen.shows[0] === 'x:shipped');
  });

  it('keeps a durable position in all of them', async () => {
    const all = open(two, { a: 1, b: 1 });
    for (const topic of ['a', 'b']) put(all, topic, `${topic}1`);
    const { sink, session } = await follow(all, { from: 'earliest', sub: 's' });
    session.ack(sink.lastCursor);
    session.close();
    put(all, 'b', 'b2');
    const { sink: again } = await follow(all, { sub: 's' });
    await again.until(() => again.ids.length > 0);
    expect([again.ids, gapsOf(again)]).toEqual([['b2'], []]);
    expect(new Set(all.groups.commits.map(({ topic }) => topic))).toEqual(new Set(['a', 'b']));
  });

  it('is read while one of them is not there, says so to operators, and has all of it once it is', async () => {
    const all = open(two, { a: 1 });
    put(all, 'a', 'a1');
    const { sink } = await follow(all, { from: 'earliest' });
    expect([sink.ids, await healthOf(all)]).toEqual([['a1'], 'b: there is no such topic']);
    all.log.create('b', 2);
    for (const partition of [0, 1]) put(all, 'b', `b${partition}`, { partition });
    await sink.until(() => sink.ids.length === 3);
    put(all, 'b', 'b2');
    put(all, 'a', 'a2');
    await sink.until(() => sink.ids.length === 5);
    await until(async () => (await healthOf(all)) === undefined);
    expect([gapsOf(sink), sink.of('bye')]).toEqual([[], []]);
    const { sink: again } = await follow(all, { after: sink.lastCursor });
    expect([again.ids, gapsOf(again)]).toEqual([[], []]);
  });

  it('says a gap to who knew a topic that is gone, before it is there again', async () => {
    const all = open(two, { a: 1, b: 1 });
    for (const topic of ['a', 'b']) put(all, topic, `${topic}1`);
    const { sink } = await follow(all, { from: 'earliest' });
    all.log.delete('b');
    expect(sink.kinds).not.toContain('unavailable');
    const elsewhere = replica(all, { topicsPollMs: pollMs }, { sources: two });
    const { sink: again } = await follow({ hub: elsewhere }, { after: sink.lastCursor });
    expect([again.ids, gapsOf(again)]).toEqual([[], ['recreated']]);
    all.log.create('b', 1);
    put(all, 'b', 'b2');
    await again.until(() => again.ids.includes('b2'));
    await elsewhere.close();
  });

  it('is read on, by newcomers too, while one of them cannot be read; and is unavailable while none can', async () => {
    const all = open(two, { a: 1, b: 1 });
    const { sink } = await follow(all);
    all.log.silence('b');
    const { sink: newcomer } = await follow(all);
    put(all, 'a', 'a1');
    await Promise.all([sink, newcomer].map((one) => one.until(() => one.ids.length === 1)));
    const page = await all.hub.read(caller(), 'orders', { after: sink.lastCursor, limit: 10, waitMs: 0 });
    expect([page.records, await healthOf(all)]).toEqual([[], 'b: no broker answers']);
    all.log.silence('a');
    const error = await follow(all).catch((thrown: unknown) => AppError.from(thrown));
    expect([error, sink.of('bye')]).toMatchObject([{ code: 'unavailable' }, []]);
  });

  it('is unavailable when none of them is there', async () => {
    const all = open(two, {});
    const error = await follow(all).catch((thrown: unknown) => AppError.from(thrown));
    expect(error).toMatchObject({ code: 'unavailable', message: 'The stream cannot be read at the moment.' });
  });
});

describe('a stream of topics that a pattern fits', () => {
  const pattern = [{ pattern: 'shop.*.eu' }];

  it('is empty, and no error, while there is none; takes topics in as they appear, from their start', async () => {
    const all = open(pattern, { '__shop.x.eu': 1, 'shop.a.b.eu': 1, 'shop..eu': 1 });
    const { sink } = await follow(all);
    expect(await healthOf(all)).toBeUndefined();
    all.log.create('shop.one.eu', 2);
    for (let n = 0; n < 20; n++) put(all, 'shop.one.eu', `one${n}`, { partition: n % 2 });
    await sink.until(() => sink.ids.length === 20);
    put(all, 'shop.one.eu', 'next');
    await sink.until(() => sink.ids.length === 21);
    expect([new Set(sink.ids).size, gapsOf(sink), sink.kinds.includes('bye')]).toEqual([21, [], false]);
  });

  it('is read on by a cursor from before a topic was there, with no gap', async () => {
    const all = open(pattern, { 'shop.one.eu': 1 });
    put(all, 'shop.one.eu', 'a');
    const { sink, session } = await follow(all, { from: 'earliest' });
    session.close();
    all.log.create('shop.two.eu', 1);
    put(all, 'shop.two.eu', 'b');
    const elsewhere = replica(all, {}, { sources: pattern });
    const { sink: again } = await follow({ hub: elsewhere }, { after: sink.lastCursor });
    expect([again.ids, gapsOf(again)]).toEqual([['b'], []]);
    await elsewhere.close();
  });

  it('loses a topic that is deleted without a word to readers, and gets it back as a new one', async () => {
    const all = open(pattern, { 'shop.one.eu': 1, 'shop.two.eu': 1 });
    for (const name of ['one', 'two']) put(all, `shop.${name}.eu`, name);
    const { sink } = await follow(all, { from: 'earliest' });
    const opened = jest.spyOn(all.log.tails, 'open');
    all.log.delete('shop.two.eu');
    expect(await healthOf(all)).toBe('shop.two.eu: the topic was deleted');
    put(all, 'shop.one.eu', 'still');
    await sink.until(() => sink.ids.includes('still'));
    await until(async () => (await healthOf(all)) === undefined);
    all.log.create('shop.two.eu', 1);
    put(all, 'shop.two.eu', 'anew');
    await sink.until(() => sink.ids.includes('anew'));
    expect([[...sink.ids].sort(), gapsOf(sink), opened.mock.calls.length]).toEqual([
      ['anew', 'one', 'still', 'two'],
      [],
      1,
    ]);
    const { sink: again } = await follow(all, { after: sink.lastCursor });
    expect([again.ids, gapsOf(again)]).toEqual([[], []]);
  });

  it('shows last values of a topic that came later', async () => {
    const all = open(pattern, { 'shop.one.eu': 1 });
    const screen = new Screen();
    await follow(all, { mode: 'latest' }, screen);
    all.log.create('shop.two.eu', 1);
    put(all, 'shop.two.eu', 'x');
    put(all, 'shop.two.eu', 'x', { status: 'paid' });
    await screen.until(() => screen.shows[0] === 'x:paid');
    const { sink: other } = await follow(all, { mode: 'latest' }, new Screen());
    expect(other.ids).toEqual(['x']);
  });

  it('takes in no more topics, and partitions, than a cursor holds, and says which are left out', async () => {
    const all = open(pattern, { 'shop.a.eu': 300, 'shop.b.eu': 201, 'shop.c.eu': 200 }, { limits: { maxTopics: 3 } });
    await follow(all);
    expect(await healthOf(all)).toBe('shop.b.eu: the stream would have more than 500 partitions');
    all.log.create('shop.d.eu', 1);
    await until(async () => (await healthOf(all))?.includes('shop.d.eu: the stream has 3 topics already') === true);
  });

  it('keeps its sessions over a catalog that is the same', async () => {
    const all = open(pattern, { 'shop.a.eu': 1 });
    const { sink } = await follow(all);
    all.hub.changeCatalog({ ...all.catalog, version: 'next' }, { view: viewOf });
    all.log.create('shop.b.eu', 1);
    put(all, 'shop.b.eu', 'b');
    await sink.until(() => sink.ids.length === 1);
    expect(sink.of('bye')).toEqual([]);
  });
});
