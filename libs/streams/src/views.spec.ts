import { AppError } from '@tidegate/errors';
import { Screen } from './latest-fixture';
import type { StreamStart } from './start';
import { caller, gauge, HeardSink, order, topic, west, world, type World } from './stream-fixture';

const worlds: World[] = [];

function open(): World {
  const made = world({ stream: { latest: { maxKeys: 1_000, maxBytes: 1e8 } } });
  worlds.push(made);
  return made;
}

afterEach(async () => {
  await Promise.all(worlds.splice(0).map(({ hub }) => hub.close()));
});

const desk = (subject = 'd') => caller(subject, { roles: ['west'] });
const everybody = () => caller('s', { roles: ['open'] });

function put({ log }: World, id: string, storeId: string, over = {}): void {
  log.append(topic, { key: id, value: order(id, { storeId, ...over }) });
}

function drop({ log }: World, id: string, headers: Record<string, string> = {}): void {
  log.append(topic, { key: id, value: null, headers });
}

async function follow<S extends HeardSink>(
  { hub }: World,
  sink: S,
  { stream = west, who = desk(), ...start }: StreamStart & { stream?: string; who?: ReturnType<typeof desk> } = {},
) {
  const session = await hub.subscribe(who, stream, start, sink);
  await sink.until(() => sink.kinds.includes('caught-up'));
  return { sink, session };
}

const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => AppError.from(error).code,
  );

const shows = (screen: Screen, ...wanted: string[]) =>
  screen.until(() => JSON.stringify(screen.shows) === JSON.stringify(wanted));

jest.setTimeout(30_000);

describe('a view of a stream', () => {
  it('has the rows that its condition lets through, in history, live and in pages, and wants a grant of its own', async () => {
    const all = open();
    put(all, 'a', '7');
    put(all, 'b', '8');
    const { sink } = await follow(all, new HeardSink(), { from: 'earliest' });
    const whole = await follow(all, new HeardSink(), { from: 'earliest', stream: 'orders', who: everybody() });
    put(all, 'c', '8');
    put(all, 'd', '7');
    await Promise.all([sink.until(() => sink.ids.includes('d')), whole.sink.until(() => whole.sink.ids.includes('d'))]);
    expect([sink.ids, whole.sink.ids]).toEqual([
      ['a', 'd'],
      ['a', 'b', 'c', 'd'],
    ]);
    const page = await all.hub.read(desk(), west, { from: 'earliest', limit: 10, waitMs: 0 });
    expect(page.records.map(({ orderId, storeId }) => [orderId, storeId])).toEqual([
      ['a', undefined],
      ['d', undefined],
    ]);
    expect(await errorOf(all.hub.read(desk(), 'orders', { limit: 1, waitMs: 0 }))).toBe('not_found');
    expect(await errorOf(all.hub.read(caller('x', { roles: ['none'] }), west, { limit: 1, waitMs: 0 }))).toBe(
      'not_found',
    );
  });

  it('says gone in mode=latest for what leaves it or is deleted in it, and nothing of what was never there', async () => {
    const all = open();
    put(all, 'a', '7');
    put(all, 'b', '7');
    put(all, 'c', '8');
    const { sink: screen } = await follow(all, new Screen(), { mode: 'latest' });
    expect(screen.shows).toEqual(['a:placed', 'b:placed']);
    put(all, 'a', '8');
    put(all, 'c', '7', { status: 'paid' });
    await shows(screen, 'b:placed', 'c:paid');
    drop(all, 'a');
    drop(all, 'b');
    put(all, 'd', '7');
    await shows(screen, 'c:paid', 'd:placed');
    expect(screen.of('gone').map(({ keys }) => keys)).toEqual(['[["a"]]', '[["b"]]']);
  });

  it('judges a delete by the last value or, where nobody kept that, withholds it', async () => {
    const all = open();
    put(all, 'in', '7');
    put(all, 'out', '8');
    const { sink } = await follow(all, new HeardSink(), { from: 'earliest' });
    await follow(all, new Screen(), { mode: 'latest' });
    drop(all, 'out', { 'tg-tenant': 'north' });
    drop(all, 'unknown', { 'tg-tenant': 'north' });
    drop(all, 'in');
    put(all, 'last', '7');
    await sink.until(() => sink.ids.includes('last'));
    expect(sink.of('gone').map(({ keys }) => keys)).toEqual(['[["in"]]']);
  });

  it('shares the tail, the last values and, among its readers, the sealed position', async () => {
    const all = open();
    const opened = jest.spyOn(all.log.tails, 'open');
    put(all, 'a', '7');
    put(all, 'b', '8');
    await follow(all, new Screen(), { mode: 'latest', stream: 'orders', who: everybody() });
    const first = await follow(all, new HeardSink());
    const second = await follow(all, new HeardSink(), { who: desk('e') });
    const whole = await follow(all, new HeardSink(), { stream: 'orders', who: everybody() });
    put(all, 'c', '7');
    for (const { sink } of [first, second, whole]) await sink.until(() => sink.ids.length === 1);
    const [one, two, three] = [first, second, whole].map(({ sink }) => sink.lastCursor.slice(12));
    expect(one).toBe(two);
    expect(one).not.toBe(three);
    expect(opened).toHaveBeenCalledTimes(1);
    expect(await gauge(all.registry, 'tidegate_stream_last_values')).toBe(3);
  });

  it('has cursors of its own, foreign to its stream as its stream’s are to it', async () => {
    const all = open();
    put(all, 'a', '7');
    const read = (stream: string, after?: string) =>
      all.hub.read(everybody(), stream, {
        limit: 10,
        waitMs: 0,
        ...(after === undefined ? { from: 'earliest' } : { after }),
      });
    const [part, whole] = [await read(west), await read('orders')];
    put(all, 'b', '7');
    expect((await read(west, part.cursor)).records).toMatchObject([{ orderId: 'b' }]);
    expect(await errorOf(read('orders', part.cursor))).toBe('foreign_cursor');
    expect(await errorOf(read(west, whole.cursor))).toBe('foreign_cursor');
  });

  it('takes a filter of its reader’s on top, over fields that the reader may see', async () => {
    const all = open();
    put(all, 'a', '7', { total: 5 });
    put(all, 'b', '8', { total: 50 });
    put(all, 'c', '7', { total: 50 });
    const { sink } = await follow(all, new Screen(), { mode: 'latest', where: 'row.total > 10.0' });
    expect(sink.shows).toEqual(['c:placed']);
    const forbidden = follow(all, new HeardSink(), { where: 'row.storeId == "7"' });
    expect(await errorOf(forbidden)).toBe('invalid_argument');
  });

  it('keeps durable positions apart from those of its stream', async () => {
    const all = open();
    put(all, 'a', '7');
    put(all, 'b', '8');
    const start = { sub: 'app', from: 'earliest', who: everybody() };
    const part = await follow(all, new HeardSink(), start);
    const whole = await follow(all, new HeardSink(), { ...start, stream: 'orders' });
    part.session.ack(part.sink.lastCursor);
    part.session.close();
    whole.session.close();
    put(all, 'c', '7');
    const [again, anew] = [
      await follow(all, new HeardSink(), start),
      await follow(all, new HeardSink(), { ...start, stream: 'orders' }),
    ];
    for (const { sink } of [again, anew]) await sink.until(() => sink.ids.includes('c'));
    expect([again.sink.ids, anew.sink.ids]).toEqual([['c'], ['a', 'b', 'c']]);
  });

  it('is what metrics and audit name', async () => {
    const all = open();
    const { sink, session } = await follow(all, new HeardSink());
    put(all, 'a', '7');
    put(all, 'b', '8');
    put(all, 'c', '7');
    await sink.until(() => sink.ids.length === 2);
    session.close();
    expect(all.audited).toMatchObject([
      { type: 'stream.start', resource: { streams: [west] }, grants: ['west'] },
      { type: 'stream.end', resource: { streams: [west] }, rows: { given: 2, heldBack: 1 } },
    ]);
    const text = await all.registry.metrics();
    expect(text).toMatch(/^tidegate_stream_rows_total\{stream="orders-west"\} 2$/m);
    expect(text).not.toMatch(/^tidegate_stream_rows_total\{stream="orders"\}/m);
  });
});
