import type { Catalog, Stream } from '@tidegate/catalog';
import { contractShapes } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import { compileCondition } from '@tidegate/expression';
import type { View } from '@tidegate/policy';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Screen } from './latest-fixture';
import type { StreamStart } from './start';
import { caller, gauge, HeardSink, order, topic, viewOf, west, world, type World } from './stream-fixture';

const worlds: World[] = [];
const policy = { view: viewOf };
const moved = 'shop.orders-moved';

function open(): World {
  const made = world({ stream: { latest: { maxKeys: 1_000, maxBytes: 1e8 } } });
  made.log.create(moved, 1);
  worlds.push(made);
  return made;
}

afterEach(async () => {
  jest.restoreAllMocks();
  await Promise.all(worlds.splice(0).map(({ hub }) => hub.close()));
});

const everybody = () => caller('s', { roles: ['open'] });
const put = ({ log }: World, id: string, over = {}, to = topic) =>
  void log.append(to, { key: id, value: order(id, over) });

async function follow<S extends HeardSink>(
  { hub }: World,
  sink: S,
  {
    stream = 'orders',
    who = everybody(),
    ...start
  }: StreamStart & { stream?: string; who?: ReturnType<typeof caller> } = {},
): Promise<S> {
  await hub.subscribe(who, stream, start, sink);
  await sink.until(() => sink.kinds.includes('caught-up'));
  return sink;
}

/** The catalog with its streams changed; a view is changed with its stream. */
function changed({ catalog }: World, over: Partial<Stream>, viewOver: Partial<Stream> = {}): Catalog {
  const streams = [...catalog.streams].map(([name, stream]): [string, Stream] => {
    return [name, { ...stream, ...over, ...(stream.view && viewOver) }];
  });
  return { ...catalog, version: 'next', streams: new Map(streams) };
}

const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => AppError.from(error).code,
  );

jest.setTimeout(30_000);

describe('a change of the catalog', () => {
  it('disturbs nobody whose stream and view stay as they are', async () => {
    const all = open();
    const [events, latest, part] = [
      await follow(all, new HeardSink()),
      await follow(all, new Screen(), { mode: 'latest' }),
      await follow(all, new HeardSink(), { stream: west }),
    ];
    const opened = jest.spyOn(all.log.tails, 'open');
    all.hub.changeCatalog(changed(all, {}), policy);
    put(all, 'a', { storeId: '7' });
    for (const sink of [events, latest, part]) {
      await sink.until(() => sink.ids.length === 1);
      expect(sink.kinds).toEqual(['caught-up', 'rows']);
    }
    expect(opened).not.toHaveBeenCalled();
    expect(all.audited.at(-1)).toMatchObject({ policyVersion: '1' });
    await follow(all, new HeardSink());
    expect(all.audited.at(-1)).toMatchObject({ policyVersion: 'next' });
  });

  it('ends the sessions of a stream that is gone as withdrawn, and refuses new ones as unknown', async () => {
    const all = open();
    const [sink, part] = [await follow(all, new HeardSink()), await follow(all, new HeardSink(), { stream: west })];
    const streams = new Map([...all.catalog.streams].filter(([name]) => name !== west));
    all.hub.changeCatalog({ ...all.catalog, streams }, policy);
    expect([part.of('bye'), sink.of('bye')]).toMatchObject([[{ code: 'access_withdrawn' }], []]);
    expect(await errorOf(follow(all, new HeardSink(), { stream: west }))).toBe('not_found');
  });

  it('sends those of a stream with another source away with a cursor, which then says a gap and has the new rows', async () => {
    const all = open();
    put(all, 'a');
    put(all, 'n', { storeId: '7' }, moved);
    const [sink, part] = [
      await follow(all, new HeardSink(), { from: 'earliest' }),
      await follow(all, new HeardSink(), { stream: west }),
    ];
    const waiting = all.hub.read(everybody(), 'orders', { limit: 10, waitMs: 60_000 });
    await nextTurn();
    all.hub.changeCatalog(changed(all, { sources: [{ topic: moved }] }), policy);
    expect([sink.of('bye'), part.of('bye')]).toMatchObject([[{ code: 'restart' }], [{ code: 'restart' }]]);
    expect(await waiting).toMatchObject({ records: [], gap: null });
    put(all, 'b');
    const again = await follow(all, new HeardSink(), { after: sink.lastCursor });
    const partAgain = await follow(all, new HeardSink(), { after: part.lastCursor, stream: west });
    for (const one of [again, partAgain]) {
      expect([one.of('gap').map(({ reason }) => reason), one.ids]).toEqual([['recreated'], ['n']]);
    }
    expect(sink.ids).toEqual(['a']);
  });

  it('keeps cursors when a source is added, and has all of the new one', async () => {
    const all = open();
    put(all, 'a');
    put(all, 'n', {}, moved);
    const sink = await follow(all, new HeardSink(), { from: 'earliest' });
    all.hub.changeCatalog(changed(all, { sources: [{ topic }, { topic: moved }] }), policy);
    put(all, 'b');
    const again = await follow(all, new HeardSink(), { after: sink.lastCursor });
    await again.until(() => again.ids.length === 2);
    expect([again.ids.sort(), again.of('gap')]).toEqual([['b', 'n'], []]);
  });

  it('takes rows back that a view has no more, and gives those that it has now', async () => {
    const all = open();
    put(all, 'a', { storeId: '7' });
    put(all, 'b', { storeId: '8' });
    const screen = await follow(all, new Screen(), { stream: west, mode: 'latest' });
    const where = compileCondition('row.storeId == "8"', { row: contractShapes.order });
    all.hub.changeCatalog(changed(all, {}, { view: { from: 'orders', where } }), policy);
    await screen.until(() => JSON.stringify(screen.shows) === '["b:placed"]');
    expect(screen.of('gone').map(({ keys }) => keys)).toEqual(['[["a"]]']);
  });

  it('counts for who was just being admitted: what it sees, whether it may, and of what', async () => {
    const all = open();
    put(all, 'a');
    const meanwhile = (change: () => void) =>
      jest.spyOn(all.log.ranges, 'offsets').mockImplementationOnce(() => {
        change();
        return Promise.resolve([0n]);
      });
    const hiding = { view: (...asked: Parameters<typeof viewOf>) => hide(viewOf(...asked)) };
    meanwhile(() => all.hub.changeCatalog(all.catalog, hiding));
    const sink = await follow(all, new HeardSink(), { from: 'earliest' });
    meanwhile(() => all.hub.changeCatalog(all.catalog, policy));
    all.hub.changeCatalog(all.catalog, hiding);
    const page = await all.hub.read(everybody(), 'orders', { from: 'earliest', limit: 10, waitMs: 0 });
    expect([sink.of('rows')[0]?.texts.includes('total'), page.records[0]?.['total']]).toEqual([false, 12.5]);
    meanwhile(() => all.hub.changeCatalog(all.catalog, { view: () => undefined }));
    expect(await errorOf(follow(all, new HeardSink(), { from: 'earliest' }))).toBe('not_found');
    all.hub.changeCatalog(all.catalog, policy);
    meanwhile(() => all.hub.changeCatalog(changed(all, { sources: [{ topic: moved }] }), policy));
    expect(await errorOf(follow(all, new HeardSink(), { from: 'earliest' }))).toBe('unavailable');
  });

  it('leaves no tail behind of a source that nobody reads any more', async () => {
    const all = open();
    await follow(all, new Screen(), { mode: 'latest' });
    all.hub.changeCatalog(changed(all, { sources: [{ topic: moved }] }), policy);
    const sink = await follow(all, new HeardSink());
    for (let n = 0; n < 500 && (await gauge(all.registry, 'tidegate_stream_tails')) > 1; n++) {
      put(all, `x${n}`, {}, moved);
      await sink.until(() => sink.ids.includes(`x${n}`));
    }
    expect(await gauge(all.registry, 'tidegate_stream_tails')).toBe(1);
  });
});

function hide(view: View | undefined): View | undefined {
  if (view === undefined) return undefined;
  const apply: View['apply'] = (row) => {
    const { total: _, ...rest } = view.apply(row) ?? {};
    return rest;
  };
  return { ...view, id: `${view.id} without total`, apply } as View;
}
