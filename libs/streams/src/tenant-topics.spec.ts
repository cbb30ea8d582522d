import { Screen } from './latest-fixture';
import { caller, gauge, HeardSink, order, viewOf, world, type World } from './stream-fixture';

const worlds: World[] = [];

function open(): World {
  const made = world({ stream: { sources: [{ topic: '{tenant}.orders' }], latest: { maxKeys: 100, maxBytes: 1e7 } } });
  made.log.create('north.orders', 2);
  made.log.create('south.orders', 1);
  worlds.push(made);
  return made;
}

afterEach(() => Promise.all(worlds.splice(0).map(({ hub }) => hub.close())));

const south = caller('13', { tenant: 'south' });
const everybody = caller('s', { roles: ['open'] });
const put = ({ log }: World, tenant: string, id: string, over = {}) =>
  log.append(`${tenant}.orders`, { key: id, value: order(id, { tenantId: tenant, ...over }) });

async function follow<S extends HeardSink>({ hub }: World, who = caller(), sink = new HeardSink() as S, start = {}) {
  const session = await hub.subscribe(who, 'orders', { from: 'earliest', ...start }, sink);
  await sink.until(() => sink.kinds.includes('caught-up'));
  return { sink, session };
}

const topicsOf = (all: World, n: number) => JSON.stringify(all.audited.at(n)?.resource);

describe('a stream with a topic for each tenant', () => {
  it('is read by a caller from the topic of its tenant alone', async () => {
    const all = open();
    put(all, 'north', 'a');
    put(all, 'south', 'b');
    const opened = jest.spyOn(all.log.tails, 'open');
    const { sink } = await follow(all);
    expect(opened.mock.calls.map(([topic]) => topic)).toEqual(['north.orders']);
    expect([sink.ids, topicsOf(all, -1).includes('south')]).toEqual([['a'], false]);
    const { sink: other } = await follow(all, south);
    expect(other.ids).toEqual(['b']);
    all.log.recreate('south.orders');
    await other.until(() => other.kinds.includes('gap'));
    put(all, 'north', 'c');
    await sink.until(() => sink.ids.length === 2);
    expect(sink.of('gap')).toEqual([]);
  });

  it('is read from the topics of all tenants by who may cross them', async () => {
    const all = open();
    put(all, 'north', 'a');
    put(all, 'south', 'a', { status: 'paid' });
    const { sink } = await follow(all, everybody);
    expect(sink.ids.length).toBe(2);
    const screen = new HeardSink();
    await all.hub.subscribe(everybody, 'orders', { mode: 'latest' }, screen);
    await screen.until(() => screen.kinds.includes('caught-up'));
    // Each tenant has a key "a" of its own.
    expect(screen.ids).toEqual(['a', 'a']);
  });

  it('takes rows of another tenant for broken ones, and deletes of them for nobody’s', async () => {
    const all = open();
    put(all, 'north', 'stray', { tenantId: 'south' });
    all.log.append('north.orders', { key: 'x', value: null, headers: { 'tg-tenant': 'south', 'tg-subject': '13' } });
    all.log.append('north.orders', { key: 'y', value: null, headers: { 'tg-tenant': 'north', 'tg-subject': '13' } });
    put(all, 'north', 'end');
    const [{ sink }, { sink: other }, { sink: both }] = await Promise.all([
      follow(all),
      follow(all, south),
      follow(all, everybody),
    ]);
    expect([sink.ids, other.ids, both.ids]).toEqual([['end'], [], ['end']]);
    expect(sink.of('gone').map(({ keys }) => keys)).toEqual(['[["y"]]']);
    expect(JSON.stringify(all.warnings)).toContain('tenantId: not the tenant of the topic');
    expect(await gauge(all.registry, 'tidegate_stream_bad_records_total')).toBe(1);
  });

  it('sends a session away whose caller may cross tenants now, or no more, and its cursor stays good', async () => {
    const all = open();
    put(all, 'north', 'a');
    put(all, 'south', 'b');
    const { sink, session } = await follow(all, caller('s', { roles: ['support'] }));
    const crossing = caller('s', { roles: ['open'] });
    session.updatePrincipal(crossing);
    expect(sink.of('bye')).toMatchObject([{ code: 'restart' }]);
    const { sink: more } = await follow(all, crossing, new HeardSink(), { after: sink.lastCursor });
    expect([sink.ids, more.ids, more.of('gap')]).toEqual([['a'], ['b'], []]);
    put(all, 'north', 'c');
    const own = caller('s', { roles: ['support'] });
    const { sink: less } = await follow(all, own, new HeardSink(), { after: more.lastCursor });
    await less.until(() => less.ids.length === 1);
    expect([less.ids, less.of('gap')]).toEqual([['c'], []]);
  });

  it('grows with the tenants for those who cross them, and disturbs no other', async () => {
    const all = open();
    const [{ sink: own }, { sink: both }] = [await follow(all), await follow(all, everybody)];
    all.log.create('west.orders', 1);
    const tenants = new Map([...all.catalog.tenants, ['west', { id: 'west', name: 'west' }] as const]);
    all.hub.changeCatalog({ ...all.catalog, tenants }, { view: viewOf });
    expect([own.of('bye'), both.of('bye')]).toMatchObject([[], [{ code: 'restart' }]]);
    put(all, 'west', 'w');
    const { sink: again } = await follow(all, everybody, new HeardSink(), { after: both.lastCursor });
    expect([again.ids, again.of('gap')]).toEqual([['w'], []]);
    const { sink: none } = await follow(all, caller('13', { tenant: 'east' })).catch((error: Error) => ({
      sink: error.message,
    }));
    expect(none).toBe('There is no such stream.');
  });

  it('keeps last values of one tenant apart from those of all', async () => {
    const all = open();
    const screen = new Screen();
    const sink = new Screen();
    await all.hub.subscribe(caller(), 'orders', { mode: 'latest' }, screen);
    const session = await all.hub.subscribe(everybody, 'orders', { mode: 'latest' }, sink);
    put(all, 'north', 'a');
    await Promise.all([screen, sink].map((one) => one.until(() => one.shows[0] === 'a:placed')));
    expect(await gauge(all.registry, 'tidegate_stream_last_values')).toBe(2);
    session.close();
    all.log.append('north.orders', { key: 'a', value: null });
    await screen.until(() => screen.shows.length === 0);
  });
});
