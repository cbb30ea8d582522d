import { AppError } from '@tidegate/errors';
import type { View } from '@tidegate/policy';
import { setTimeout as sleep } from 'node:timers/promises';
import { Screen } from './latest-fixture';
import { MemoryLog } from './memory-log';
import type { StreamStart } from './start';
import {
  caller,
  gauge,
  HeardSink,
  order,
  replica,
  topic,
  world,
  type World,
  type WorldOptions,
} from './stream-fixture';
import type { Session, StreamHub } from './stream-hub';

const hubs: StreamHub[] = [];

function open({ stream = {}, ...options }: WorldOptions = {}): World {
  const made = world({ ...options, stream: { latest: { maxKeys: 1_000, maxBytes: 1e8 }, ...stream } });
  hubs.push(made.hub);
  return made;
}

afterEach(async () => {
  await Promise.all(hubs.splice(0).map((hub) => hub.close()));
});

async function follow(
  hub: StreamHub,
  start: StreamStart = {},
  who = caller(),
): Promise<{ screen: Screen; session: Session }> {
  const screen = new Screen();
  const session = await hub.subscribe(who, 'orders', { mode: 'latest', ...start }, screen);
  await screen.until(() => screen.kinds.includes('caught-up'));
  return { screen, session };
}

function put({ log }: World, id: string, status: string, over = {}, partition = 0): void {
  log.append(topic, { key: id, value: order(id, { status, ...over }) }, partition);
}

function drop({ log }: World, id: string, headers: Record<string, string> = {}, partition = 0): void {
  log.append(topic, { key: id, value: null, headers }, partition);
}

const shows = (screen: Screen, ...wanted: string[]) =>
  screen.until(() => JSON.stringify(screen.shows) === JSON.stringify(wanted.sort()));

const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => AppError.from(error),
  );

const support = () => caller('s', { roles: ['support'] });

jest.setTimeout(30_000);

describe('mode=latest', () => {
  it('gives the last value of each entity that the caller may see, then what changes', async () => {
    const all = open();
    put(all, 'a', 'placed');
    put(all, 'b', 'placed');
    put(all, 'a', 'paid');
    put(all, 'x', 'placed', { customerId: '15' });
    const { screen } = await follow(all.hub);
    expect(screen.kinds).toEqual(['rows', 'caught-up']);
    expect(screen.shows).toEqual(['a:paid', 'b:placed']);
    put(all, 'b', 'paid');
    put(all, 'c', 'placed');
    await shows(screen, 'a:paid', 'b:paid', 'c:placed');
  });

  it('begins with nothing but caught-up where there is nothing', async () => {
    const all = open();
    const { screen } = await follow(all.hub);
    expect(screen.kinds).toEqual(['caught-up']);
  });

  it('is refused where the catalog does not offer it, and for pages', async () => {
    const { hub } = open({ stream: { latest: undefined as never } });
    expect((await errorOf(follow(hub)))?.code).toBe('mode_not_offered');
    const other = open().hub;
    expect((await errorOf(follow(other, { from: 'earliest' })))?.message).toContain('from: Not with mode=latest');
    const page = other.read(caller(), 'orders', { mode: 'latest', limit: 1, waitMs: 0 });
    expect((await errorOf(page))?.code).toBe('mode_not_offered');
  });

  it('says gone for what was deleted, without headers too, to those who could see it and nobody else', async () => {
    const all = open();
    put(all, 'a', 'placed');
    put(all, 'x', 'placed', { customerId: '15' });
    const { screen } = await follow(all.hub);
    const { screen: other } = await follow(all.hub, {}, caller('15'));
    drop(all, 'x');
    drop(all, 'a');
    drop(all, 'never-there');
    put(all, 'b', 'placed');
    await shows(screen, 'b:placed');
    expect(screen.of('gone').map(({ keys }) => keys)).toEqual(['[["a"]]']);
    expect(other.of('gone').map(({ keys }) => keys)).toEqual(['[["x"]]']);
  });

  it('says gone for a row that leaves the view, and nothing for one that never was in it', async () => {
    const all = open();
    put(all, 'a', 'placed');
    put(all, 'b', 'placed');
    const { screen } = await follow(all.hub);
    put(all, 'a', 'placed', { customerId: '15' });
    put(all, 'x', 'placed', { customerId: '15' });
    put(all, 'x', 'paid', { customerId: '15' });
    put(all, 'b', 'paid');
    await shows(screen, 'b:paid');
    expect(screen.of('gone').map(({ keys }) => keys)).toEqual(['[["a"]]']);
  });

  it('says gone for a row that no longer matches the filter, and shows it again when it does', async () => {
    const all = open();
    put(all, 'a', 'placed');
    put(all, 'b', 'shipped');
    const { screen } = await follow(all.hub, { where: 'row.status == "placed"' });
    expect(screen.shows).toEqual(['a:placed']);
    put(all, 'a', 'paid');
    await shows(screen);
    put(all, 'a', 'placed');
    put(all, 'b', 'placed');
    await shows(screen, 'a:placed', 'b:placed');
  });

  it('keeps the row of an entity whose next record is broken, an empty text or JSON null', async () => {
    const all = open();
    put(all, 'a', 'placed');
    const { screen } = await follow(all.hub);
    for (const value of ['', 'null', '{"orderId":"a"}']) all.log.append(topic, { key: 'a', value });
    put(all, 'b', 'placed');
    await shows(screen, 'a:placed', 'b:placed');
    expect(screen.of('gone')).toEqual([]);
    expect(await gauge(all.registry, 'tidegate_stream_bad_records_total')).toBe(3);
  });

  it('loads over deletes, holes and partitions, and an older value elsewhere does not come back', async () => {
    const all = open({ partitions: 3 });
    const at = (timestampMs: number) => ({ timestampMs: Date.parse('2026-01-01') + timestampMs });
    all.log.append(topic, { key: 'a', value: null, ...at(9) }, 0);
    all.log.appendHole(topic, 0);
    all.log.append(topic, { key: 'a', value: order('a'), ...at(5) }, 1);
    all.log.append(topic, { key: 'b', value: order('b', { status: 'paid' }), ...at(9) }, 0);
    all.log.append(topic, { key: 'b', value: order('b', { status: 'placed' }), ...at(5) }, 2);
    all.log.appendHole(topic, 2);
    const { screen } = await follow(all.hub);
    expect(screen.shows).toEqual(['b:paid']);
  });

  it('hides what is older than the catalog shows', async () => {
    const all = open({ stream: { retentionDays: 10 } });
    all.log.append(topic, { key: 'old', value: order('old'), timestampMs: Date.now() - 11 * 86_400_000 });
    put(all, 'new', 'placed');
    expect((await follow(all.hub)).screen.shows).toEqual(['new:placed']);
  });
});

describe('what is loaded for it', () => {
  it('is loaded once for all, kept for a while after the last, and given back', async () => {
    const all = open();
    for (let n = 0; n < 50; n++) put(all, `${n}`, 'placed');
    const followed = await Promise.all(Array.from({ length: 20 }, () => follow(all.hub)));
    const reads = all.log.readsOf.get(topic);
    expect(await gauge(all.registry, 'tidegate_stream_last_values')).toBe(50);
    expect(await gauge(all.registry, 'tidegate_stream_last_value_bytes')).toBeGreaterThan(50 * 200);
    for (const { session } of followed) session.close();
    const { session } = await follow(all.hub);
    expect(all.log.readsOf.get(topic)).toBe(reads);
    session.close();
    while (all.log.tailCount > 0) await sleep(5);
    expect(await gauge(all.registry, 'tidegate_stream_last_values')).toBe(0);
  });

  it('is warming until it is there; whoever comes back then gets it', async () => {
    let held = true;
    const log = new MemoryLog(async () => {
      while (held) await sleep(1);
    });
    const all = open({ log, limits: { warmingWaitMs: 20 } });
    put(all, 'a', 'placed');
    const opening = errorOf(follow(all.hub));
    await sleep(5);
    held = false;
    expect(await opening).toBeUndefined();
    held = true;
    const slow = replica(all, { warmingWaitMs: 5, tailLingerMs: 10_000 }, { latest: { maxKeys: 10, maxBytes: 1e6 } });
    hubs.push(slow);
    held = false;
    const plain = new HeardSink();
    const session = await slow.subscribe(caller(), 'orders', { from: 'latest' }, plain);
    session.close();
    expect(await errorOf(follow(slow))).toBeUndefined();
  });

  it('answers warming with a time to come back while the log is being read', async () => {
    const all = open();
    put(all, 'a', 'placed');
    const never = new Promise<never>(() => undefined);
    const blocked = jest.spyOn(all.log.ranges, 'readRange').mockReturnValue(never);
    const error = await errorOf(
      (async () => {
        const hub = replica(all, { warmingWaitMs: 10 }, { latest: { maxKeys: 10, maxBytes: 1e6 } });
        hubs.push(hub);
        await follow(hub);
      })(),
    );
    expect([error?.code, (error?.retryAfterMs ?? 0) > 0]).toEqual(['warming', true]);
    blocked.mockRestore();
  });

  it.each([
    { latest: { maxKeys: 10, maxBytes: 1e8 }, most: 10 },
    { latest: { maxKeys: 1_000, maxBytes: 10_000 }, most: 20 },
  ])('gives up what has not changed for longest beyond $latest, and says snapshot-limit', async ({ latest, most }) => {
    const all = open({ stream: { latest } });
    for (let n = 10; n < 40; n++) put(all, `${n}`, 'placed');
    put(all, '10', 'paid');
    const { screen } = await follow(all.hub);
    expect(screen.kinds).toEqual(['rows', 'gap', 'caught-up']);
    expect(screen.of('gap').map(({ reason }) => reason)).toEqual(['snapshot-limit']);
    expect(screen.ids.length).toBeLessThanOrEqual(most);
    expect(screen.ids.slice(-2)).toEqual(['39', '10']);
    expect(await gauge(all.registry, 'tidegate_stream_last_values_given_up_total')).toBe(31 - screen.ids.length);
  });

  it('fits exactly its limit without a gap', async () => {
    const all = open({ stream: { latest: { maxKeys: 30, maxBytes: 1e8 } } });
    for (let n = 0; n < 30; n++) put(all, `${n}`, 'placed');
    expect((await follow(all.hub)).screen.of('gap')).toEqual([]);
  });
});

describe('coming back to mode=latest', () => {
  it('gives what has changed since, and says gone for what went or left the view', async () => {
    const all = open();
    for (const id of ['a', 'b', 'c', 'd']) put(all, id, 'placed');
    const { screen, session } = await follow(all.hub);
    session.close();
    put(all, 'a', 'paid');
    drop(all, 'b');
    put(all, 'c', 'placed', { customerId: '15' });
    put(all, 'e', 'placed');
    put(all, 'x', 'placed', { customerId: '15' });
    drop(all, 'x');
    // So that the values have changed before the session comes back.
    const { screen: witness, session: other } = await follow(all.hub);
    await shows(witness, 'a:paid', 'd:placed', 'e:placed');
    other.close();
    const { screen: back } = await follow(all.hub, { after: screen.lastCursor });
    expect(back.of('gap')).toEqual([]);
    expect([...back.ids].sort()).toEqual(['a', 'e']);
    expect(
      back
        .of('gone')
        .flatMap(({ keys }) => JSON.parse(keys) as string[][])
        .sort(),
    ).toEqual([['b'], ['c']]);
  });

  it('gives all of it again, after a gap, where not everything since is known', async () => {
    const all = open();
    put(all, 'a', 'placed');
    const { screen, session } = await follow(all.hub);
    session.close();
    drop(all, 'a');
    put(all, 'b', 'placed');
    const other = replica(all, {}, { latest: { maxKeys: 10, maxBytes: 1e6 } });
    hubs.push(other);
    const { screen: back } = await follow(other, { after: screen.lastCursor });
    expect(back.kinds).toEqual(['gap', 'rows', 'caught-up']);
    expect(back.of('gap').map(({ reason }) => reason)).toEqual(['too-far']);
    expect(back.shows).toEqual(['b:placed']);
  });

  it('remembers only so much of what was there before', async () => {
    const all = open({ stream: { latest: { maxKeys: 1_000, maxBytes: 40_000 } } });
    put(all, 'a', 'placed');
    const { screen, session } = await follow(all.hub);
    const { screen: witness } = await follow(all.hub);
    session.close();
    for (let n = 0; n < 20; n++) put(all, 'b', n === 19 ? 'paid' : 'placed');
    await shows(witness, 'a:placed', 'b:paid');
    const { screen: back } = await follow(all.hub, { after: screen.lastCursor });
    expect(back.kinds).toEqual(['gap', 'rows', 'caught-up']);
    const { screen: soon } = await follow(all.hub, { after: back.lastCursor });
    expect(soon.kinds).toEqual(['caught-up']);
  });

  it('with other eyes than before gives all of it again, after a gap', async () => {
    const all = open();
    put(all, 'a', 'placed');
    put(all, 'x', 'placed', { customerId: '15' });
    const { screen, session } = await follow(all.hub, {}, caller('13', { roles: ['support'] }));
    session.close();
    const after = screen.lastCursor;
    for (const [start, who] of [
      [{ after }, caller()],
      [{ after, where: 'row.total > 1.0' }, caller('13', { roles: ['support'] })],
    ] as const) {
      const { screen: back } = await follow(all.hub, start, who);
      expect([back.kinds, back.of('gap')[0]?.reason]).toEqual([['gap', 'rows', 'caught-up'], 'too-far']);
    }
    const { screen: same } = await follow(all.hub, { after }, caller('13', { roles: ['support'] }));
    expect(same.kinds).toEqual(['caught-up']);
    const events = new HeardSink();
    await all.hub.subscribe(caller(), 'orders', { after }, events);
    put(all, 'a', 'paid');
    await events.until(() => events.ids.length === 1);
  });

  it('from the middle of a snapshot gives all of it', async () => {
    const all = open({ limits: { batchBytes: 300 } });
    for (let n = 0; n < 10; n++) put(all, `${n}`, 'placed');
    const { screen } = await follow(all.hub);
    const [first] = screen.of('rows');
    const { screen: back } = await follow(all.hub, { after: first?.c ?? '' });
    expect(back.rowsById.size).toBe(10);
  });
});

describe('a topic behind mode=latest that is made again or loses its end', () => {
  it('is said with a gap, and all that there is now follows', async () => {
    const all = open();
    put(all, 'a', 'placed');
    const { screen } = await follow(all.hub);
    all.log.recreate(topic);
    put(all, 'b', 'placed');
    await shows(screen, 'b:placed');
    await screen.until(() => screen.of('caught-up').length === 2);
    expect(screen.of('gap').map(({ reason }) => reason)).toEqual(['recreated']);
    put(all, 'c', 'placed');
    await shows(screen, 'b:placed', 'c:placed');
    all.log.truncate(topic, 1n);
    await screen.until(() => screen.of('gap').length === 2 && screen.of('caught-up').length === 3);
    expect(screen.shows).toEqual(['b:placed']);
  });

  it('may grow: new partitions are part of it', async () => {
    const all = open();
    put(all, 'a', 'placed');
    const { screen } = await follow(all.hub);
    all.log.grow(topic, 3);
    put(all, 'b', 'placed', {}, 2);
    await shows(screen, 'a:placed', 'b:placed');
    expect((await follow(all.hub, { after: screen.lastCursor })).screen.kinds).toEqual(['caught-up']);
  });
});

describe('slow readers of mode=latest', () => {
  it('get each entity once, as it is when they can take it, and are not closed', async () => {
    const all = open({ limits: { maxBlockedMs: 1, maxLagMs: 1 } });
    put(all, 'a', 'placed');
    put(all, 'b', 'placed');
    const { screen } = await follow(all.hub);
    const { screen: quick } = await follow(all.hub);
    screen.buffered = 1e6;
    for (let n = 0; n < 200; n++) {
      put(all, 'a', n % 2 === 0 ? 'paid' : 'placed', { total: n });
      if (n % 20 === 0) await sleep(1);
    }
    drop(all, 'b');
    put(all, 'c', 'shipped');
    await shows(quick, 'a:placed', 'c:shipped');
    await sleep(20);
    expect(screen.of('bye')).toEqual([]);
    const before = screen.ids.length;
    screen.buffered = 0;
    await shows(screen, 'a:placed', 'c:shipped');
    expect(screen.ids.slice(before)).toEqual(['a', 'c']);
    expect(screen.of('gone').map(({ keys }) => keys)).toEqual(['[["b"]]']);
    put(all, 'd', 'placed');
    await shows(screen, 'a:placed', 'c:shipped', 'd:placed');
  });

  it('hear gone once for what came, went and came while they were away, and not for what is back', async () => {
    const all = open();
    put(all, 'a', 'placed');
    put(all, 'b', 'placed');
    const { screen } = await follow(all.hub);
    const { screen: quick } = await follow(all.hub);
    screen.buffered = 1e6;
    put(all, 'a', 'paid');
    drop(all, 'a');
    await shows(quick, 'b:placed');
    put(all, 'a', 'placed');
    put(all, 'b', 'paid');
    await shows(quick, 'a:placed', 'b:paid');
    drop(all, 'b');
    await shows(quick, 'a:placed');
    screen.buffered = 0;
    await shows(screen, 'a:placed');
    expect(screen.of('gone').map(({ keys }) => keys)).toEqual(['[["b"]]']);
  });

  it('that take nothing at all for very long are closed, with a cursor that loses nothing', async () => {
    const all = open({ limits: { maxStalledMs: 30 } });
    put(all, 'a', 'placed');
    const { screen } = await follow(all.hub);
    screen.buffered = 1e6;
    put(all, 'a', 'paid');
    await screen.until(() => screen.of('bye').length > 0);
    const { screen: back } = await follow(all.hub, { after: screen.lastCursor });
    await shows(back, 'a:paid');
  });

  it('cost the others nothing: what those get is judged and written once', async () => {
    const all = open({ limits: { batchBytes: 1e6 } });
    const { screen } = await follow(all.hub, {}, support());
    const slow = await Promise.all(Array.from({ length: 30 }, () => follow(all.hub, {}, support())));
    for (const one of slow) one.screen.buffered = 1e6;
    for (let n = 0; n < 100; n++) put(all, `${n % 10}`, 'placed', { total: n });
    put(all, 'end', 'paid');
    await screen.until(() => screen.rowsById.has('end'));
    expect(slow.every((one) => one.screen.ids.length === 0)).toBe(true);
    // As many rows as the quick one got, and not one for each that is slow.
    expect(await gauge(all.registry, 'tidegate_stream_rows_total')).toBe(screen.ids.length);
    for (const one of slow) one.screen.buffered = 0;
    await Promise.all(slow.map((one) => one.screen.until(() => one.screen.rowsById.size === 11)));
    expect(slow.map((one) => one.screen.ids.length)).toEqual(slow.map(() => 11));
  });
});

describe('what a caller of mode=latest may see', () => {
  it('changes with its roles: all of it is given anew, and gone says what is no longer seen', async () => {
    const all = open();
    put(all, 'a', 'placed', { internalNotes: 'vip' });
    put(all, 'x', 'placed', { customerId: '15' });
    const { screen, session } = await follow(all.hub, {}, caller('13', { roles: ['support'] }));
    expect(screen.shows).toEqual(['a:placed', 'x:placed']);
    expect(screen.rowsById.get('a')).toHaveProperty('internalNotes', 'vip');
    session.updatePrincipal(caller('13'));
    await shows(screen, 'a:placed');
    await screen.until(() => screen.of('caught-up').length === 2);
    expect(screen.rowsById.get('a')).not.toHaveProperty('internalNotes');
    expect(screen.of('gone').map(({ keys }) => keys)).toEqual(['[["x"]]']);
    put(all, 'x', 'paid', { customerId: '15' });
    put(all, 'b', 'placed');
    await shows(screen, 'a:placed', 'b:placed');
    session.updatePrincipal(caller('13', { roles: ['nobody'] }));
    expect(screen.of('bye').map(({ code }) => code)).toEqual(['access_withdrawn']);
  });

  it('changes with the policy, at once for all sessions, and ends those that see nothing any more', async () => {
    const all = open();
    put(all, 'a', 'placed');
    put(all, 'x', 'placed', { customerId: '15' });
    const { screen } = await follow(all.hub);
    const events = new HeardSink();
    await all.hub.subscribe(caller(), 'orders', { from: 'earliest' }, events);
    const { screen: other } = await follow(all.hub, {}, caller('15'));
    await events.until(() => events.kinds.includes('caught-up'));
    const everything = {
      id: 'all',
      grantIds: [],
      restricted: () => false,
      apply: (row: object) => row,
    } as unknown as View;
    all.hub.changeCatalog(all.catalog, { view: ({ subject }) => (subject === '13' ? everything : undefined) });
    expect(other.of('bye').map(({ code }) => code)).toEqual(['access_withdrawn']);
    put(all, 'y', 'placed', { customerId: '16' });
    await shows(screen, 'a:placed', 'x:placed', 'y:placed');
    await events.until(() => events.ids.includes('y'));
    expect(events.ids).toEqual(['a', 'y']);
    expect((await errorOf(follow(all.hub, {}, caller('15'))))?.code).toBe('not_found');
  });
});

describe('a replay that is longer than its budget, of a stream with last values', () => {
  it('says too-far, gives the last values, then every row', async () => {
    const all = open({ stream: { resume: { maxScanned: 10, maxMs: 60_000 } } });
    for (let n = 0; n < 30; n++) put(all, `${n % 3}`, n === 29 ? 'paid' : 'placed', { total: n });
    const sink = new Screen();
    await all.hub.subscribe(caller(), 'orders', { from: 'earliest' }, sink);
    await sink.until(() => sink.kinds.includes('caught-up'));
    expect(sink.of('gap').map(({ reason }) => reason)).toEqual(['too-far']);
    expect(sink.shows).toEqual(['0:placed', '1:placed', '2:paid']);
    const before = sink.ids.length;
    for (let n = 0; n < 5; n++) put(all, '0', 'shipped', { total: n });
    await sink.until(() => sink.ids.length === before + 5);
    expect(sink.ids.slice(before)).toEqual(['0', '0', '0', '0', '0']);
  });
});

describe('deletes in mode=events of a stream with last values', () => {
  it('are judged by the last value, live and in a replay; else by the headers; else withheld and counted', async () => {
    const all = open({ limits: { ringRecords: 1 } });
    put(all, 'a', 'placed');
    put(all, 'x', 'placed', { customerId: '15' });
    const sink = new HeardSink();
    const start = { from: 'earliest', where: 'row.status == "placed"' };
    await all.hub.subscribe(caller(), 'orders', start, sink);
    const { session } = await follow(all.hub);
    await sink.until(() => sink.kinds.includes('caught-up'));
    drop(all, 'x');
    drop(all, 'a');
    drop(all, 'unknown', { 'tg-tenant': 'north', 'tg-subject': '13' });
    drop(all, 'nobody-knows');
    put(all, 'end', 'placed');
    await sink.until(() => sink.ids.includes('end'));
    const told = (heard: HeardSink) => heard.of('gone').flatMap(({ keys }) => JSON.parse(keys) as string[][]);
    expect(told(sink)).toEqual([['a'], ['unknown']]);
    expect(await gauge(all.registry, 'tidegate_stream_withheld_tombstones_total')).toBe(1);
    const again = new HeardSink();
    await all.hub.subscribe(caller(), 'orders', { from: 'earliest' }, again);
    await again.until(() => again.ids.includes('end'));
    expect(told(again)).toEqual([['a'], ['unknown']]);
    const page = await all.hub.read(caller(), 'orders', { from: 'earliest', limit: 10, waitMs: 0 });
    expect(page.gone).toEqual([['a'], ['unknown']]);
    session.close();
  });
});
