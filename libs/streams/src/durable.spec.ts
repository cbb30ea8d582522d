import { AppError } from '@tidegate/errors';
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Screen } from './latest-fixture';
import type { StreamStart } from './start';
import { caller, HeardSink, order, replica, topic, world, type World, type WorldOptions } from './stream-fixture';
import type { Session, StreamHub } from './stream-hub';

const hubs: StreamHub[] = [];

function open(options: WorldOptions = {}): World {
  const made = world(options);
  hubs.push(made.hub);
  return made;
}

function another(all: World, ...more: [Parameters<typeof replica>[1]?, Parameters<typeof replica>[2]?]): StreamHub {
  const hub = replica(all, ...more);
  hubs.push(hub);
  return hub;
}

afterEach(async () => {
  jest.restoreAllMocks();
  await Promise.all(hubs.splice(0).map((hub) => hub.close()));
});

interface Followed<S extends HeardSink> {
  sink: S;
  session: Session;
}

async function follow(hub: StreamHub, start: StreamStart = {}, who = caller()): Promise<Followed<HeardSink>> {
  return followWith(new HeardSink(), hub, start, who);
}

async function followWith<S extends HeardSink>(
  sink: S,
  hub: StreamHub,
  start: StreamStart = {},
  who = caller(),
): Promise<Followed<S>> {
  const session = await hub.subscribe(who, 'orders', { sub: 'app', from: 'earliest', ...start }, sink);
  await sink.until(() => sink.kinds.includes('caught-up'));
  return { sink, session };
}

function put({ log }: World, ...ids: string[]): void {
  for (const id of ids) log.append(topic, { value: order(id) });
}

async function until(holds: () => boolean): Promise<void> {
  for (let n = 0; n < 2_000 && !holds(); n++) await sleep(2);
  expect(holds()).toBe(true);
}

const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => AppError.from(error),
  );
const gaps = (sink: HeardSink) => sink.of('gap').map(({ reason }) => reason);
const cursorAfter = (sink: HeardSink, id: string) => sink.of('rows').find(({ ids }) => ids.at(-1) === id)?.c ?? '';
const committed = ({ groups }: World) => groups.commits.map(({ offsets }) => offsets.map(({ offset }) => offset));
const lastCommitted = (all: World) => committed(all).at(-1)?.[0];

/** Batches of one row, so that there is a cursor after each. */
const oneByOne = { batchBytes: 1 };

jest.setTimeout(30_000);

describe('a durable subscription', () => {
  it('begins with a gap at from, and then where it was acknowledged, on any replica', async () => {
    const all = open({ limits: oneByOne });
    put(all, 'a', 'b', 'c');
    const { sink, session } = await follow(all.hub);
    expect([gaps(sink), sink.ids]).toEqual([['no-position'], ['a', 'b', 'c']]);
    session.ack(cursorAfter(sink, 'b'));
    session.close();
    await until(() => lastCommitted(all) === 2n);
    put(all, 'd');
    const { sink: back } = await follow(another(all));
    expect([gaps(back), back.ids]).toEqual([[], ['c', 'd']]);
  });

  it('has a position from its first day on, also when nothing was acknowledged or came', async () => {
    const all = open();
    put(all, 'old');
    const { session } = await follow(all.hub, { from: 'latest' });
    session.close();
    await until(() => lastCommitted(all) === 1n);
    put(all, 'new');
    const { sink } = await follow(all.hub, { from: 'latest' });
    expect([gaps(sink), sink.ids]).toEqual([[], ['new']]);
  });

  it('is a group of Kafka of its own, with the topic id in its metadata', async () => {
    const all = open();
    const { session } = await follow(all.hub);
    session.close();
    await until(() => all.groups.commits.length > 0);
    const digest = createHash('sha256').update('13\0orders\0app').digest('base64url').slice(0, 22);
    expect(all.groups.commits[0]).toMatchObject({
      group: `tidegate.north.${digest}`,
      topic,
      offsets: [{ partition: 0, offset: 0n, metadata: `${topic}#1` }],
    });
  });

  it('is another one for another name, stream, subject or tenant', async () => {
    const all = open();
    await follow(all.hub);
    await follow(all.hub, { sub: 'other' });
    await follow(all.hub, {}, caller('15'));
    await follow(all.hub, {}, caller('13', { tenant: 'south' }));
    await follow(all.hub, {}, caller('13', { tenant: undefined, roles: ['open'] }));
    await until(() => new Set(all.groups.commits.map(({ group }) => group)).size === 5);
  });

  it.each([
    ['empty', ''],
    ['longer than 128', 'x'.repeat(129)],
    ['with a NUL', 'a\0b'],
    ['with a line feed', 'a\nb'],
  ])('is refused when its name is %s', async (_what, sub) => {
    const { hub } = open();
    const cursor = (await hub.read(caller(), 'orders', { limit: 1, waitMs: 0 })).cursor;
    expect((await errorOf(hub.subscribe(caller(), 'orders', { sub }, new HeardSink())))?.code).toBe('invalid_argument');
    expect((await errorOf(hub.ack(caller(), 'orders', sub, cursor)))?.code).toBe('invalid_argument');
  });

  it('says no-position when its position has run out, or is of a topic that was made again', async () => {
    const all = open();
    put(all, 'a');
    (await follow(all.hub)).session.close();
    await until(() => all.groups.commits.length > 0);
    all.groups.expire();
    const { sink, session } = await follow(all.hub);
    expect([gaps(sink), sink.ids]).toEqual([['no-position'], ['a']]);
    session.ack(sink.lastCursor);
    session.close();
    await until(() => lastCommitted(all) === 1n);
    all.log.recreate(topic);
    put(all, 'b');
    const { sink: back } = await follow(another(all));
    expect([gaps(back), back.ids]).toEqual([['no-position'], ['b']]);
  });

  it('goes on in a topic that is made again while it is followed, and acknowledges that', async () => {
    const all = open();
    put(all, 'a');
    const { sink, session } = await follow(all.hub);
    session.ack(sink.lastCursor);
    await until(() => lastCommitted(all) === 1n);
    all.log.recreate(topic);
    put(all, 'b', 'c');
    await sink.until(() => sink.ids.includes('c'));
    session.ack(sink.lastCursor);
    await until(() => lastCommitted(all) === 2n);
    expect(all.groups.commits.at(-1)?.offsets[0]?.metadata).toBe(`${topic}#2`);
  });

  it('says retention, and goes on with the oldest, when the log has lost what comes next', async () => {
    const all = open();
    put(all, 'a', 'b', 'c');
    (await follow(all.hub)).session.close();
    await until(() => all.groups.commits.length > 0);
    all.log.deleteBefore(topic, 2n);
    const { sink } = await follow(another(all));
    expect([gaps(sink), sink.ids]).toEqual([['retention'], ['c']]);
  });

  it('begins at a cursor that the client has, whatever was acknowledged', async () => {
    const all = open({ limits: oneByOne });
    put(all, 'a', 'b', 'c');
    const { sink, session } = await follow(all.hub);
    session.close();
    const { sink: back } = await follow(all.hub, { after: cursorAfter(sink, 'b') });
    expect([gaps(back), back.ids]).toEqual([[], ['c']]);
  });

  it('with last values gives all of them again, since nobody knows what was seen of those before', async () => {
    const all = open({ stream: { latest: { maxKeys: 10, maxBytes: 1e6 } } });
    put(all, 'a');
    const { sink, session } = await followWith(new Screen(), all.hub, { mode: 'latest', from: 'latest' });
    expect([gaps(sink), sink.shows]).toEqual([['no-position'], ['a:placed']]);
    session.ack(sink.lastCursor);
    session.close();
    await until(() => lastCommitted(all) === 1n);
    const { sink: back } = await followWith(new Screen(), all.hub, { mode: 'latest', from: 'latest' });
    expect([gaps(back), back.ids]).toEqual([['too-far'], ['a']]);
  });

  it('is not offered without a place to keep positions, and is never a matter of a page', async () => {
    const all = open();
    const without = another({ ...all, groups: undefined as never });
    expect((await errorOf(follow(without)))?.code).toBe('unprocessable');
    const { cursor } = await without.read(caller(), 'orders', { limit: 1, waitMs: 0 });
    expect((await errorOf(without.ack(caller(), 'orders', 'app', cursor)))?.code).toBe('unprocessable');
    const plain = await all.hub.subscribe(caller(), 'orders', {}, new HeardSink());
    expect(() => plain.ack(cursor)).toThrow('not durable');
  });

  it('is unavailable while Kafka cannot say where it stands', async () => {
    const all = open();
    all.groups.down = true;
    expect((await errorOf(follow(all.hub)))?.code).toBe('unavailable');
    all.groups.down = false;
    await follow(all.hub);
  });
});

describe('acknowledgements', () => {
  it('never move a position back, and are committed at most so often and at the end', async () => {
    const all = open({ limits: { ...oneByOne, commitMs: 100 } });
    for (let n = 0; n < 50; n++) put(all, `${n}`);
    const { sink, session } = await follow(all.hub);
    for (let n = 0; n < 50; n++) {
      session.ack(cursorAfter(sink, `${n}`));
      session.ack(cursorAfter(sink, `${n >> 1}`));
      await sleep(6);
    }
    session.ack(cursorAfter(sink, '49'));
    session.close();
    await until(() => lastCommitted(all) === 50n);
    const offsets = committed(all).map(([first]) => first ?? 0n);
    expect(offsets).toEqual([...offsets].sort((a, b) => Number(a - b)));
    const times = all.groups.commits.map(({ atMs }) => atMs);
    const pauses = times.slice(1, -1).map((atMs, index) => atMs - (times[index] ?? 0));
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(85);
    expect(offsets.length).toBeGreaterThanOrEqual(3);
  });

  it('keep each partition at the furthest that was acknowledged', async () => {
    const all = open({ partitions: 3, limits: oneByOne });
    for (let n = 0; n < 9; n++) all.log.append(topic, { value: order(`${n}`) }, n % 3);
    const { sink, session } = await follow(all.hub);
    const [early, , , , late] = sink.of('rows');
    session.ack(late?.c ?? '');
    session.ack(early?.c ?? '');
    session.ack(sink.lastCursor);
    session.close();
    await until(() => JSON.stringify(committed(all).at(-1)?.map(String)) === '["3","3","3"]');
  });

  it('of who follows through another door move the same position, without a lease of their own', async () => {
    const all = open({ limits: oneByOne });
    put(all, 'a', 'b', 'c');
    const { sink } = await follow(all.hub);
    await all.hub.ack(caller(), 'orders', 'app', cursorAfter(sink, 'a'));
    await until(() => lastCommitted(all) === 1n);
    // On a replica that does not hold it, for the one that does.
    await another(all).ack(caller(), 'orders', 'app', cursorAfter(sink, 'b'));
    await until(() => lastCommitted(all) === 2n);
    expect(sink.of('bye')).toEqual([]);
  });

  it('of who follows nothing, page by page, are committed and do not go back', async () => {
    const all = open();
    put(all, 'a', 'b');
    const page = (after?: string) =>
      all.hub.read(caller(), 'orders', {
        ...(after === undefined ? { from: 'earliest' } : { after }),
        limit: 1,
        waitMs: 0,
      });
    const first = await page();
    const second = await page(first.cursor);
    await all.hub.ack(caller(), 'orders', 'app', second.cursor);
    await until(() => lastCommitted(all) === 2n);
    await another(all).ack(caller(), 'orders', 'app', first.cursor);
    await all.hub.ack(caller(), 'orders', 'app', first.cursor);
    await sleep(100);
    expect(lastCommitted(all)).toBe(2n);
    put(all, 'c');
    const { sink } = await follow(all.hub);
    expect([gaps(sink), sink.ids]).toEqual([[], ['c']]);
  });

  it('are refused for a cursor that is broken or of another caller, and for a stream that the caller may not see', async () => {
    const all = open();
    const { sink, session } = await follow(all.hub);
    const ack = (who: ReturnType<typeof caller>, cursor: string) =>
      errorOf(all.hub.ack(who, 'orders', 'app', cursor)).then((error) => error?.code);
    expect(await ack(caller('15'), sink.lastCursor)).toBe('foreign_cursor');
    expect(await ack(caller(), `${sink.lastCursor}x`)).toBe('invalid_cursor');
    expect(await ack(caller('13', { roles: [] }), sink.lastCursor)).toBe('not_found');
    expect(() => session.ack('x')).toThrow(AppError);
    session.ack(sink.lastCursor);
  });

  it('wait for Kafka and are committed when it is back, also where it is not known whether they were', async () => {
    const all = open();
    put(all, 'a', 'b');
    const { sink, session } = await follow(all.hub);
    await until(() => all.groups.commits.length > 0);
    all.groups.down = true;
    session.ack(sink.lastCursor);
    await until(() => all.warnings.length > 2);
    all.groups.down = false;
    await until(() => lastCommitted(all) === 2n);
  });
});

describe('the holder of a durable subscription', () => {
  it('is told taken when somebody else comes on the same replica, who goes on where it was acknowledged', async () => {
    const all = open({ limits: oneByOne });
    put(all, 'a', 'b');
    const { sink, session } = await follow(all.hub);
    session.ack(cursorAfter(sink, 'a'));
    const { sink: second } = await follow(all.hub);
    expect(sink.of('bye').map(({ code }) => code)).toEqual(['taken']);
    expect([gaps(second), second.ids]).toEqual([[], ['b']]);
    put(all, 'c');
    await second.until(() => second.ids.includes('c'));
    expect(sink.ids).toEqual(['a', 'b']);
  });

  it('is told taken when somebody else comes on another replica, and commits no more', async () => {
    const all = open();
    put(all, 'a', 'b');
    const { sink, session } = await follow(all.hub);
    const other = another(all);
    const { sink: second, session: taker } = await follow(other);
    session.ack(sink.lastCursor);
    await sink.until(() => sink.of('bye').length > 0);
    expect(sink.of('bye').map(({ code }) => code)).toEqual(['taken']);
    expect(second.ids).toEqual(['a', 'b']);
    await sleep(60);
    expect(lastCommitted(all)).toBe(0n);
    taker.ack(second.lastCursor);
    await until(() => lastCommitted(all) === 2n);
  });

  it('is one at a time, however many come at once', async () => {
    const all = open();
    put(all, 'a');
    const other = another(all);
    const sinks = Array.from({ length: 20 }, () => new HeardSink());
    await Promise.all(
      sinks.map((sink, n) => (n % 2 === 0 ? all.hub : other).subscribe(caller(), 'orders', { sub: 'app' }, sink)),
    );
    await until(() => sinks.filter((sink) => sink.of('bye').length === 0).length === 1);
    await sleep(60);
    expect(sinks.filter((sink) => sink.of('bye').some(({ code }) => code === 'taken'))).toHaveLength(19);
  });

  it('is refused while nobody can say who holds it', async () => {
    const all = open();
    jest.spyOn(all.leases, 'take').mockRejectedValue(new AppError('unavailable', 'Redis is not available.'));
    expect((await errorOf(follow(all.hub)))?.code).toBe('unavailable');
    jest.restoreAllMocks();
    await follow(all.hub);
  });

  it('goes on without committing while nobody can say whether it still is, and is let go when that lasts', async () => {
    let nowMs = Date.now();
    jest.spyOn(Date, 'now').mockImplementation(() => nowMs);
    const all = open();
    put(all, 'a');
    const { sink, session } = await follow(all.hub);
    await until(() => all.groups.commits.length > 0);
    jest.spyOn(all.leases, 'renew').mockRejectedValue(new AppError('unavailable', 'Redis is not available.'));
    session.ack(sink.lastCursor);
    put(all, 'b');
    await sink.until(() => sink.ids.includes('b'));
    await sleep(60);
    expect([lastCommitted(all), sink.of('bye')]).toEqual([0n, []]);
    nowMs += 11_000;
    await sink.until(() => sink.of('bye').length > 0);
    expect(sink.of('bye').map(({ code }) => code)).toEqual(['restart']);
    expect(lastCommitted(all)).toBe(0n);
  });

  it('is kept while Kafka is away, however long a commit takes to fail', async () => {
    const now = Date.now.bind(Date);
    let skewMs = 0;
    jest.spyOn(Date, 'now').mockImplementation(() => now() + skewMs);
    const all = open();
    put(all, 'a');
    const { sink, session } = await follow(all.hub);
    await until(() => all.groups.commits.length > 0);
    let tries = 0;
    all.groups.delay = () => {
      skewMs += 11_000;
      tries++;
      return Promise.resolve();
    };
    all.groups.down = true;
    session.ack(sink.lastCursor);
    await until(() => tries > 0);
    await sleep(20);
    all.groups.down = false;
    await until(() => lastCommitted(all) === 1n);
    expect(sink.of('bye')).toEqual([]);
  });

  it('commits what was acknowledged when the server drains', async () => {
    const all = open({ limits: { commitMs: 60_000 } });
    put(all, 'a');
    const { sink, session } = await follow(all.hub);
    session.ack(sink.lastCursor);
    await all.hub.close();
    expect(lastCommitted(all)).toBe(1n);
  });
});

describe('delivery at most once', () => {
  const once = { delivery: 'at-most-once' } as const;

  it('gives a row when its position is stored, so that none comes twice', async () => {
    const all = open();
    put(all, 'a', 'b');
    const { sink } = await follow(all.hub, once);
    expect(lastCommitted(all)).toBe(2n);
    expect(sink.ids).toEqual(['a', 'b']);
    put(all, 'c');
    await sink.until(() => sink.ids.includes('c'));
    expect(lastCommitted(all)).toBe(3n);
    // The process is gone: nobody says goodbye, and another one goes on.
    const { sink: next } = await follow(another(all), once);
    expect([gaps(next), next.ids]).toEqual([[], []]);
    put(all, 'd');
    await next.until(() => next.ids.includes('d'));
  });

  it('passes over nothing that was not sent, when it ends before that was stored', async () => {
    const all = open({ limits: { commitMs: 30 } });
    const { sink, session } = await follow(all.hub, once);
    await until(() => all.groups.commits.length > 0);
    all.groups.down = true;
    put(all, 'a');
    await until(() => all.warnings.length > 0);
    all.groups.down = false;
    session.close();
    await sleep(50);
    const { sink: next } = await follow(all.hub, once);
    await next.until(() => next.ids.includes('a'));
    expect(sink.ids).toEqual([]);
  });

  it('gives nothing while nothing can be stored', async () => {
    const all = open();
    const { sink } = await follow(all.hub, once);
    all.groups.down = true;
    put(all, 'a');
    await sleep(80);
    expect(sink.ids).toEqual([]);
    all.groups.down = false;
    await sink.until(() => sink.ids.includes('a'));
  });

  it('is not offered for last values', async () => {
    const all = open({ stream: { latest: { maxKeys: 10, maxBytes: 1e6 } } });
    expect((await errorOf(follow(all.hub, { ...once, mode: 'latest', from: 'latest' })))?.code).toBe(
      'invalid_argument',
    );
  });

  it('says too-far and goes on live where the way is longer than its budget', async () => {
    const all = open({ stream: { resume: { maxScanned: 5, maxMs: 60_000 } } });
    for (let n = 0; n < 20; n++) put(all, `${n}`);
    const { sink } = await follow(all.hub, once);
    expect(gaps(sink)).toEqual(['no-position', 'too-far']);
    put(all, 'live');
    await sink.until(() => sink.ids.includes('live'));
  });
});
