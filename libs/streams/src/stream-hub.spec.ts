import { AppError } from '@tidegate/errors';
import { setTimeout as sleep } from 'node:timers/promises';
import { MemoryLog } from './memory-log';
import { caller, gauge, HeardSink, order, replica, topic, world, type World } from './stream-fixture';
import type { Session, StreamHub } from './stream-hub';

const hubs: StreamHub[] = [];

function open(options: Parameters<typeof world>[0] = {}): World {
  const made = world(options);
  hubs.push(made.hub);
  return made;
}

afterEach(async () => {
  await Promise.all(hubs.splice(0).map((hub) => hub.close()));
});

interface Followed {
  sink: HeardSink;
  session: Session;
}

async function follow(
  hub: StreamHub,
  start: { after?: string; from?: string } = {},
  who = caller(),
  sink = new HeardSink(),
): Promise<Followed> {
  return { sink, session: await hub.subscribe(who, 'orders', start, sink) };
}

async function live(hub: StreamHub, start: { after?: string; from?: string } = {}, who = caller()): Promise<Followed> {
  const followed = await follow(hub, start, who);
  await followed.sink.until(() => followed.sink.kinds.includes('caught-up'));
  return followed;
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'fine',
    (error: unknown) => AppError.from(error).code,
  );

jest.setTimeout(30_000);

describe('starting a session', () => {
  it('begins with what comes from now on unless told otherwise', async () => {
    const { log, hub } = open();
    log.append(topic, { value: order('old') });
    const { sink } = await live(hub);
    log.append(topic, { value: order('new') });
    await sink.until(() => sink.ids.length > 0);
    expect(sink.kinds).toEqual(['caught-up', 'rows']);
    expect(sink.ids).toEqual(['new']);
  });

  it('begins with the oldest row on from=earliest and says when it has caught up', async () => {
    const { log, hub } = open({ partitions: 2 });
    for (let n = 0; n < 6; n++) log.append(topic, { value: order(`${n}`) }, n % 2);
    const { sink } = await live(hub, { from: 'earliest' });
    expect([...sink.ids].sort()).toEqual(['0', '1', '2', '3', '4', '5']);
    expect(sink.kinds.at(-1)).toBe('caught-up');
  });

  it('begins at a time', async () => {
    const { log, hub } = open();
    log.append(topic, { value: order('a'), timestampMs: Date.parse('2026-01-01T00:00:00Z') });
    log.append(topic, { value: order('b'), timestampMs: Date.parse('2026-01-02T00:00:00Z') });
    const { sink } = await live(hub, { from: '2026-01-01T12:00:00Z' });
    expect(sink.ids).toEqual(['b']);
    const { sink: later } = await live(hub, { from: '2027-01-01T00:00:00+02:00' });
    expect(later.ids).toEqual([]);
  });

  it.each(['', 'yesterday', '2026-02-31T00:00:00Z', '2026-01-01', '1767225600000'])('refuses from=%p', async (from) => {
    const { hub } = open();
    expect(await codeOf(follow(hub, { from }))).toBe('invalid_argument');
  });

  it('refuses unknown and ungranted streams alike', async () => {
    const { hub } = open();
    const unknown = await hub.subscribe(caller(), 'nothing', {}, new HeardSink()).catch(AppError.from);
    const ungranted = await follow(hub, {}, caller('13', { roles: ['auditor'] })).catch(AppError.from);
    expect([unknown, ungranted]).toMatchObject([{ code: 'not_found' }, { code: 'not_found' }]);
    expect((unknown as AppError).message).toBe((ungranted as AppError).message);
  });

  it('judges the cursor before Kafka is asked for anything', async () => {
    const { log, hub } = open();
    log.setDown(true);
    expect(await codeOf(follow(hub, { after: 'nonsense' }))).toBe('invalid_cursor');
    expect(await codeOf(follow(hub, { after: '' }))).toBe('invalid_cursor');
    expect(log.readsOf.size).toBe(0);
  });

  it('refuses the cursor of another caller', async () => {
    const { hub } = open();
    const { sink } = await live(hub);
    expect(await codeOf(follow(hub, { after: sink.lastCursor }, caller('15')))).toBe('foreign_cursor');
    expect(await codeOf(follow(hub, { after: sink.lastCursor }, caller('13', { tenant: 'south' })))).toBe(
      'foreign_cursor',
    );
  });
});

describe('rows', () => {
  it('are those of the caller only, cut to what it may see, and the cursor passes over the others', async () => {
    const { log, hub } = open();
    const { sink: mine } = await live(hub);
    const { sink: other } = await live(hub, {}, caller('15'));
    const { sink: support } = await live(hub, {}, caller('s', { roles: ['support'] }));
    log.append(topic, { value: order('1', { internalNotes: 'call back' }) });
    log.append(topic, { value: order('2', { customerId: '15' }) });
    log.append(topic, { value: order('3', { tenantId: 'south' }) });
    log.append(topic, { value: order('4') });
    await Promise.all([mine, support].map((sink) => sink.until(() => sink.ids.includes('4'))));
    expect([mine.ids, other.ids, support.ids]).toEqual([['1', '4'], ['2'], ['1', '2', '4']]);
    expect(mine.of('rows')[0]?.texts).not.toContain('call back');
    expect(support.of('rows')[0]?.texts).toContain('call back');
  });

  it('keep every digit', async () => {
    const { log, hub } = open();
    const { sink } = await live(hub, {}, caller('s', { roles: ['support'] }));
    const { sink: cut } = await live(hub);
    const value = order('1', { internalNotes: 'x' }).replace('12.5', '1.10');
    log.append(topic, { value: value.replace('"lines":[]', '"lines":[],"big":9007199254740993,"huge":1e999') });
    await Promise.all([sink, cut].map((one) => one.until(() => one.ids.length > 0)));
    for (const { heard } of [sink, cut]) {
      expect(JSON.stringify(heard)).toMatch(/total\\":1\.10,.*big\\":9007199254740993,\\"huge\\":1e999/);
    }
  });

  it('show of a key that stands twice what policy judged, and nothing else', async () => {
    const { log, hub } = open();
    const { sink } = await live(hub);
    log.append(topic, { value: order('1').replace('{', '{"total":{"secret":"of another"},') });
    await sink.until(() => sink.ids.length > 0);
    expect(sink.of('rows')[0]?.texts).not.toContain('secret');
  });

  it('come on one line whatever the record looks like', async () => {
    const { log, hub } = open();
    const { sink } = await live(hub);
    const row = JSON.stringify(JSON.parse(order('1', { storeId: 'a\rb\n\u2028' })), null, '\r\n');
    log.append(topic, { value: row });
    await sink.until(() => sink.ids.length > 0);
    expect(sink.of('rows')[0]?.texts).not.toMatch(/[\r\n]/);
  });

  it('that break their contract are skipped, counted and logged without their payload', async () => {
    const { log, hub, registry, warnings } = open();
    const { sink } = await live(hub);
    for (const value of ['{"a":', 'abc', 'null', '[]', '"text"', '1.10', '', order('x').replace('12.5', '"12.5"')]) {
      log.append(topic, { value });
    }
    log.append(topic, { value: order('good') });
    await sink.until(() => sink.ids.length > 0);
    expect(sink.ids).toEqual(['good']);
    expect(await gauge(registry, 'tidegate_stream_bad_records_total')).toBe(8);
    expect(warnings).toEqual([expect.objectContaining({ topic, partition: 0, offset: '0', reason: 'not JSON' })]);
  });

  it('older than the catalog shows are hidden, with a gap for who resumes below them', async () => {
    const { log, hub } = open({ stream: { retentionDays: 1 } });
    const { sink: before } = await live(hub);
    const cursor = before.lastCursor;
    log.append(topic, { value: order('old'), timestampMs: Date.now() - 2 * 86_400_000 });
    log.append(topic, { value: order('young') });
    await before.until(() => before.ids.length > 0);
    expect(before.ids).toEqual(['young']);
    const { sink: all } = await live(hub, { from: 'earliest' });
    expect([all.kinds, all.ids]).toEqual([['rows', 'caught-up'], ['young']]);
    const { sink: resumed } = await live(hub, { after: cursor });
    expect(resumed.of('gap').map(({ reason }) => reason)).toEqual(['retention']);
    expect(resumed.ids).toEqual(['young']);
  });

  it('that were deleted are told to those whom the headers name, in order with the rows', async () => {
    const { log, hub, registry } = open();
    const headers = { 'tg-tenant': 'north', 'tg-subject': '13' };
    const { sink } = await live(hub);
    const { sink: other } = await live(hub, {}, caller('15'));
    log.append(topic, { key: '1', value: order('1') });
    log.append(topic, { key: '1', value: null, headers });
    log.append(topic, { key: '1', value: order('1') });
    log.append(topic, { key: '2', value: null });
    log.append(topic, { key: '3', value: null, headers: { 'tg-tenant': 'north' } });
    log.append(topic, { key: '4', value: order('4') });
    await sink.until(() => sink.ids.includes('4'));
    expect(sink.kinds).toEqual(['caught-up', 'rows', 'gone', 'rows', 'rows']);
    expect(sink.of('gone')[0]?.keys).toBe('[["1"]]');
    expect(other.kinds).toEqual(['caught-up']);
    expect(await gauge(registry, 'tidegate_stream_withheld_tombstones_total')).toBe(1);
  });
});

describe('resuming', () => {
  it('goes on exactly after the cursor on another replica, each partition at its own offset', async () => {
    const all = open({ partitions: 3 });
    const { sink, session } = await live(all.hub);
    for (let n = 0; n < 9; n++) all.log.append(topic, { value: order(`a${n}`) }, n % 3);
    await sink.until(() => sink.ids.length === 9);
    session.close();
    for (let n = 0; n < 5; n++) all.log.append(topic, { value: order(`b${n}`) }, n % 2);
    const other = replica(all);
    hubs.push(other);
    const { sink: resumed } = await live(other, { after: sink.lastCursor });
    expect([...resumed.ids].sort()).toEqual(['b0', 'b1', 'b2', 'b3', 'b4']);
    all.log.append(topic, { value: order('c') }, 2);
    await resumed.until(() => resumed.ids.includes('c'));
    expect(resumed.ids).toHaveLength(6);
  });

  it('takes heartbeats as far as the stream has come, also when no row was for the caller', async () => {
    const { log, hub } = open({ limits: { heartbeatMs: 20 } });
    const { sink, session } = await live(hub);
    for (let n = 0; n < 5; n++) log.append(topic, { value: order(`${n}`, { customerId: '15' }) });
    await sleep(10);
    await sink.until(() => sink.of('cursor').length > 1);
    session.close();
    log.readsOf.clear();
    const { sink: resumed } = await live(hub, { after: sink.lastCursor });
    expect(resumed.kinds).toEqual(['caught-up']);
    expect(log.readsOf.size).toBe(0);
  });

  it('says retention when the log starts later, and goes on with the oldest', async () => {
    const all = open();
    const { sink, session } = await live(all.hub);
    session.close();
    for (let n = 0; n < 10; n++) all.log.append(topic, { value: order(`${n}`) });
    all.log.deleteBefore(topic, 6n);
    const other = replica(all);
    hubs.push(other);
    const { sink: resumed } = await live(other, { after: sink.lastCursor });
    expect(resumed.kinds[0]).toBe('gap');
    expect(resumed.of('gap').map(({ reason }) => reason)).toEqual(['retention']);
    expect(resumed.ids).toEqual(['6', '7', '8', '9']);
  });

  it('says retention also when the log loses its start while the tail runs', async () => {
    const { log, hub } = open({ limits: { ringRecords: 2 } });
    const { sink, session } = await live(hub);
    const keep = await live(hub);
    session.close();
    for (let n = 0; n < 10; n++) log.append(topic, { value: order(`${n}`) });
    await keep.sink.until(() => keep.sink.ids.length === 10);
    log.deleteBefore(topic, 5n);
    const { sink: resumed } = await live(hub, { after: sink.lastCursor });
    expect(resumed.of('gap').map(({ reason }) => reason)).toEqual(['retention']);
    expect(resumed.ids).toEqual(['5', '6', '7', '8', '9']);
  });

  it('says truncated when the log ends before the cursor, and goes on from its end', async () => {
    const all = open();
    const { sink, session } = await live(all.hub);
    for (let n = 0; n < 10; n++) all.log.append(topic, { value: order(`${n}`) });
    await sink.until(() => sink.ids.length === 10);
    session.close();
    all.log.truncate(topic, 4n);
    const other = replica(all);
    hubs.push(other);
    const { sink: resumed } = await live(other, { after: sink.lastCursor });
    expect(resumed.of('gap').map(({ reason }) => reason)).toEqual(['truncated']);
    all.log.append(topic, { value: order('new') });
    await resumed.until(() => resumed.ids.length > 0);
    expect(resumed.ids).toEqual(['new']);
  });

  it('says recreated for a topic that was made again, and reads it from its start', async () => {
    const all = open({ partitions: 2 });
    const { sink, session } = await live(all.hub);
    for (let n = 0; n < 10; n++) all.log.append(topic, { value: order(`${n}`) }, n % 2);
    await sink.until(() => sink.ids.length === 10);
    session.close();
    all.log.recreate(topic, 2);
    all.log.append(topic, { value: order('again') }, 1);
    const other = replica(all);
    hubs.push(other);
    const { sink: resumed } = await live(other, { after: sink.lastCursor });
    expect(resumed.of('gap').map(({ reason }) => reason)).toEqual(['recreated']);
    expect(resumed.ids).toEqual(['again']);
  });

  it('says recreated for the source it happened to, and no other', async () => {
    const all = open();
    all.log.create('shop.returns');
    const stream = { sources: [{ topic }, { topic: 'shop.returns' }] };
    const first = replica(all, {}, stream);
    const second = replica(all, {}, stream);
    hubs.push(first, second);
    const { sink, session } = await live(first);
    for (let n = 0; n < 3; n++) all.log.append(topic, { value: order(`a${n}`) });
    for (let n = 0; n < 3; n++) all.log.append('shop.returns', { value: order(`b${n}`) });
    await sink.until(() => sink.ids.length === 6);
    session.close();
    all.log.append(topic, { value: order('a3') });
    all.log.recreate('shop.returns');
    all.log.append('shop.returns', { value: order('b again') });
    const { sink: resumed } = await live(second, { after: sink.lastCursor });
    expect(resumed.of('gap').map(({ reason }) => reason)).toEqual(['recreated']);
    expect([...resumed.ids].sort()).toEqual(['a3', 'b again']);
  });

  it('keeps its place when the catalog lists the sources in another order', async () => {
    const all = open();
    all.log.create('shop.returns');
    const first = replica(all, {}, { sources: [{ topic }, { topic: 'shop.returns' }] });
    const swapped = replica(all, {}, { sources: [{ topic: 'shop.returns' }, { topic }] });
    hubs.push(first, swapped);
    const { sink, session } = await live(first);
    for (let n = 0; n < 3; n++) all.log.append(topic, { value: order(`a${n}`) });
    await sink.until(() => sink.ids.length === 3);
    session.close();
    all.log.append('shop.returns', { value: order('b') });
    const { sink: resumed } = await live(swapped, { after: sink.lastCursor });
    expect([resumed.kinds, resumed.ids]).toEqual([['rows', 'caught-up'], ['b']]);
  });

  it('says too-far when the way is longer than its budget, and goes on live', async () => {
    const all = open();
    const stream = { resume: { maxScanned: 100, maxMs: 2_000 } };
    const { sink, session } = await live(all.hub);
    session.close();
    for (let n = 0; n < 5_000; n++) all.log.append(topic, { value: order(`${n}`) });
    const other = replica(all, {}, stream);
    hubs.push(other);
    const { sink: resumed } = await live(other, { after: sink.lastCursor });
    expect(resumed.of('gap').map(({ reason }) => reason)).toEqual(['too-far']);
    expect(resumed.kinds.slice(-2)).toEqual(['gap', 'caught-up']);
    all.log.append(topic, { value: order('new') });
    await resumed.until(() => resumed.ids.includes('new'));
    expect(resumed.ids.length).toBeLessThan(3_000);
  });

  it('reads exactly its budget without a gap', async () => {
    const all = open();
    const { sink, session } = await live(all.hub);
    session.close();
    for (let n = 0; n < 100; n++) all.log.append(topic, { value: order(`${n}`) });
    const other = replica(all, {}, { resume: { maxScanned: 100, maxMs: 2_000 } });
    hubs.push(other);
    const { sink: resumed } = await live(other, { after: sink.lastCursor });
    expect(resumed.of('gap')).toEqual([]);
    expect(resumed.ids).toHaveLength(100);
  });

  it('reaches live over holes at the end and in between, without a gap', async () => {
    const all = open();
    all.log.append(topic, { value: order('0') });
    all.log.appendHole(topic);
    all.log.append(topic, { value: order('2') });
    all.log.appendHole(topic);
    all.log.appendHole(topic);
    const { sink } = await live(all.hub, { from: 'earliest' });
    expect([sink.kinds, sink.ids]).toEqual([
      ['rows', 'caught-up'],
      ['0', '2'],
    ]);
    const { sink: again } = await live(all.hub, { after: sink.lastCursor });
    expect(again.kinds).toEqual(['caught-up']);
  });
});

describe('a topic that changes under live sessions', () => {
  it('is followed when it is made again, with one gap for all its partitions', async () => {
    const { log, hub } = open({ partitions: 3 });
    const { sink } = await live(hub);
    for (let n = 0; n < 6; n++) log.append(topic, { value: order(`${n}`) }, n % 3);
    await sink.until(() => sink.ids.length === 6);
    log.recreate(topic, 3);
    log.append(topic, { value: order('new') }, 2);
    await sink.until(() => sink.ids.includes('new'));
    expect(sink.of('gap').map(({ reason }) => reason)).toEqual(['recreated']);
    const { sink: resumed } = await live(hub, { after: sink.lastCursor });
    expect(resumed.kinds).toEqual(['caught-up']);
  });

  it('is said to be unavailable once it is deleted, and followed when it is made again', async () => {
    const { log, hub } = open({ limits: { heartbeatMs: 20 } });
    const [{ sink }, { sink: behind }] = [await live(hub), await follow(hub)];
    log.delete(topic);
    expect(sink.kinds).toEqual(['caught-up', 'unavailable']);
    expect(behind.kinds).toEqual(['unavailable']);
    expect(sink.of('unavailable')[0]?.detail).not.toContain(topic);
    expect(await codeOf(follow(hub))).toBe('unavailable');
    expect(hub.health.check()).toEqual({ ok: false, reason: 'shop.orders: the topic was deleted' });
    await sink.until(() => sink.of('cursor').length > 1);
    log.recreate(topic);
    log.append(topic, { value: order('new') });
    await sink.until(() => sink.ids.includes('new'));
    expect(sink.of('gap').map(({ reason }) => reason)).toEqual(['recreated']);
    expect(hub.health.check()).toEqual({ ok: true });
  });

  it('may come back with fewer partitions', async () => {
    const { log, hub } = open({ partitions: 3 });
    const { sink } = await live(hub);
    for (let n = 0; n < 6; n++) log.append(topic, { value: order(`${n}`) }, n % 3);
    await sink.until(() => sink.ids.length === 6);
    log.recreate(topic, 1);
    log.append(topic, { value: order('new') });
    await sink.until(() => sink.ids.includes('new'));
    const { sink: all } = await live(hub, { from: 'earliest' });
    expect(all.ids).toEqual(['new']);
  });

  it('gives what arrived before it lost its end, then says truncated', async () => {
    const { log, hub } = open();
    const { sink } = await live(hub);
    for (let n = 0; n < 4; n++) log.append(topic, { value: order(`${n}`) });
    await sink.until(() => sink.ids.length === 4);
    log.truncate(topic, 2n);
    log.append(topic, { value: order('new') });
    await sink.until(() => sink.ids.includes('new'));
    expect(sink.kinds.slice(-2)).toEqual(['gap', 'rows']);
  });

  it('is read in its new partitions from their start, also by cursors from before', async () => {
    const { log, hub } = open();
    const { sink } = await live(hub);
    log.append(topic, { value: order('0') });
    await sink.until(() => sink.ids.length === 1);
    const before = sink.lastCursor;
    log.grow(topic, 3);
    for (let n = 1; n < 31; n++) log.append(topic, { value: order(`${n}`) }, n % 3);
    await sink.until(() => sink.ids.length === 31);
    const { sink: resumed } = await live(hub, { after: before });
    expect(resumed.ids).toHaveLength(30);
    expect(resumed.of('gap')).toEqual([]);
  });
});

describe('slow readers', () => {
  const limits = { highWaterBytes: 100, maxBlockedMs: 60, maxLagMs: 10_000 };

  it('get nothing more until they have drained, then everything they missed', async () => {
    const { log, hub } = open({ limits: { ...limits, maxBlockedMs: 10_000 } });
    const { sink } = await live(hub);
    const { sink: quick } = await live(hub);
    sink.buffered = 101;
    for (let n = 0; n < 5; n++) log.append(topic, { value: order(`${n}`) });
    await quick.until(() => quick.ids.length === 5);
    expect(sink.ids).toEqual([]);
    sink.buffered = 100;
    await sink.until(() => sink.ids.length === 5);
    expect(sink.ids).toEqual(['0', '1', '2', '3', '4']);
  });

  it('are closed as too slow, with a cursor that loses nothing, and cost the others nothing', async () => {
    const { log, hub } = open({ limits });
    const { sink } = await live(hub);
    const { sink: quick } = await live(hub);
    log.append(topic, { value: order('0') });
    await sink.until(() => sink.ids.length === 1);
    sink.buffered = 10_000;
    for (let n = 1; n < 5; n++) log.append(topic, { value: order(`${n}`) });
    await sink.until(() => sink.kinds.includes('bye'));
    expect(sink.kinds.slice(-2)).toEqual(['cursor', 'bye']);
    expect(sink.of('bye')[0]?.code).toBe('too_slow');
    expect(quick.ids).toHaveLength(5);
    const { sink: resumed } = await live(hub, { after: sink.lastCursor });
    expect(resumed.ids).toEqual(['1', '2', '3', '4']);
  });

  it('are closed when they drain but never get back to live', async () => {
    const { log, hub } = open({ limits: { ...limits, maxBlockedMs: 10_000, maxLagMs: 40 } });
    const { sink } = await live(hub);
    sink.buffered = 101;
    log.append(topic, { value: order('0') });
    await sink.until(() => sink.kinds.includes('bye'));
    expect(sink.of('bye')[0]?.code).toBe('too_slow');
  });

  it('that hold the most are closed when all together hold too much', async () => {
    const { hub } = open({ limits: { bufferedTotalBytes: 1_000, heartbeatMs: 40 } });
    const { sink } = await live(hub);
    const { sink: fuller } = await live(hub);
    sink.buffered = 400;
    fuller.buffered = 600;
    await sleep(50);
    expect(fuller.of('bye')).toEqual([]);
    fuller.buffered = 601;
    await fuller.until(() => fuller.kinds.includes('bye'));
    expect(sink.of('bye')).toEqual([]);
  });
});

describe('credentials', () => {
  const limits = { heartbeatMs: 20, expiryNoticeMs: 80 };

  it('that are taken back end the session', async () => {
    const { hub } = open({ limits });
    const withdrawn = new AbortController();
    const { sink } = await live(hub, {}, caller('13', { withdrawn: withdrawn.signal }));
    expect(sink.kinds).not.toContain('bye');
    withdrawn.abort();
    await sink.until(() => sink.kinds.includes('bye'));
    expect(sink.of('bye')[0]?.code).toBe('access_withdrawn');
  });

  it('are said to end some time before, and end the session', async () => {
    const { hub } = open({ limits });
    const { sink } = await live(hub, {}, caller('13', { expiresAtMs: Date.now() + 150 }));
    expect(sink.kinds).not.toContain('expiring');
    await sink.until(() => sink.kinds.includes('bye'));
    expect(sink.of('expiring')).toHaveLength(1);
    expect(sink.kinds.slice(-2)).toEqual(['cursor', 'bye']);
    expect(sink.of('bye')[0]?.code).toBe('token_expired');
  });

  it('can be refreshed by the same caller', async () => {
    const { hub } = open({ limits });
    const { sink, session } = await live(hub, {}, caller('13', { expiresAtMs: Date.now() + 60 }));
    await sink.until(() => sink.kinds.includes('expiring'));
    session.updatePrincipal(caller());
    await sleep(80);
    expect(sink.kinds).not.toContain('bye');
  });

  it('of another caller are refused, and change nothing', async () => {
    const { hub, log } = open();
    const { sink, session } = await live(hub);
    expect(() => session.updatePrincipal(caller('15'))).toThrow(AppError);
    expect(() => session.updatePrincipal(caller('13', { tenant: 'south' }))).toThrow(AppError);
    log.append(topic, { value: order('1') });
    await sink.until(() => sink.ids.length === 1);
  });

  it('with other roles change what is seen from then on, or end the session', async () => {
    const { hub, log } = open();
    const { sink, session } = await live(hub);
    session.updatePrincipal(caller('13', { roles: ['support'] }));
    log.append(topic, { value: order('1', { customerId: '15' }) });
    await sink.until(() => sink.ids.length === 1);
    session.updatePrincipal(caller('13', { roles: [] }));
    expect(sink.of('bye')[0]?.code).toBe('access_withdrawn');
    log.append(topic, { value: order('2') });
    await sleep(10);
    expect(sink.ids).toEqual(['1']);
  });
});

describe('Kafka away', () => {
  it('refuses new sessions as unavailable, naming no topic, and takes them when it is back', async () => {
    const { log, hub } = open();
    log.setDown(true);
    const error = await follow(hub).catch(AppError.from);
    expect(error).toMatchObject({ code: 'unavailable', retryAfterMs: expect.any(Number) as number });
    expect((error as AppError).message).not.toContain(topic);
    log.setDown(false);
    await live(hub);
  });

  it('keeps sessions open, and gives them what came when it is back', async () => {
    const { log, hub } = open({ limits: { heartbeatMs: 20 } });
    const { sink } = await live(hub);
    log.setDown(true);
    expect(await codeOf(follow(hub))).toBe('unavailable');
    expect(hub.health.check()).toEqual({ ok: false, reason: 'shop.orders: no broker answers' });
    log.append(topic, { value: order('1') });
    await sink.until(() => sink.of('cursor').length > 2);
    expect(sink.ids).toEqual([]);
    log.setDown(false);
    await sink.until(() => sink.ids.length === 1);
    expect(hub.health.check()).toEqual({ ok: true });
  });

  it('lets a replay go on where it stopped', async () => {
    const all = open();
    for (let n = 0; n < 50; n++) all.log.append(topic, { value: order(`${n}`) });
    const slow = replica(all, { rangeReadBytes: 500 });
    hubs.push(slow);
    const { sink } = await follow(slow, { from: 'earliest' });
    await sink.until(() => sink.ids.length > 3);
    all.log.setDown(true);
    await sleep(20);
    all.log.setDown(false);
    await sink.until(() => sink.kinds.includes('caught-up'));
    expect(sink.ids).toEqual(Array.from({ length: 50 }, (_, n) => `${n}`));
  });
});

describe('mistakes', () => {
  it('of ours in judging a row end the sessions of the stream with their cursors good, and not the process', async () => {
    const { log, hub } = open();
    const { sink } = await live(hub);
    const { sink: broken } = await live(hub, {}, caller('13', { roles: ['broken'] }));
    log.append(topic, { value: order('1') });
    await Promise.all([sink, broken].map((one) => one.until(() => one.kinds.includes('bye'))));
    const { sink: resumed } = await live(hub, { after: sink.lastCursor });
    expect(resumed.ids).toEqual(['1']);
  });

  it('of the catalog, a stream of more than 500 partitions, are refused', async () => {
    await live(open({ partitions: 500 }).hub, { from: 'earliest' });
    expect(await codeOf(follow(open({ partitions: 501 }).hub))).toBe('invalid_catalog');
    const { log, hub } = open({ partitions: 500 });
    const { sink } = await live(hub);
    log.grow(topic, 501);
    expect(sink.of('bye')[0]?.code).toBe('restart');
    expect(await codeOf(follow(hub))).toBe('invalid_catalog');
  });
});

describe('ending', () => {
  it('drains: every session gets its last cursor and a spread-out restart, and new ones are refused', async () => {
    const { hub, registry } = open();
    const all = await Promise.all(Array.from({ length: 50 }, () => live(hub)));
    void hub.drain();
    for (const { sink } of all) {
      expect(sink.kinds.slice(-2)).toEqual(['cursor', 'bye']);
      expect(sink.of('bye')[0]?.code).toBe('restart');
    }
    expect(new Set(all.map(({ sink }) => sink.of('bye')[0]?.retryMs)).size).toBeGreaterThan(10);
    expect(await gauge(registry, 'tidegate_stream_sessions')).toBe(0);
    expect(await codeOf(follow(hub))).toBe('unavailable');
  });

  it('shares one tail among all sessions and closes it a while after the last', async () => {
    const { log, hub, registry } = open();
    const all = await Promise.all(Array.from({ length: 20 }, () => live(hub)));
    expect(log.tailCount).toBe(1);
    log.append(topic, { value: order('1') });
    for (const { session } of all) session.close();
    expect(log.tailCount).toBe(1);
    await live(hub).then(({ session }) => session.close());
    await sleep(40);
    expect(log.tailCount).toBe(0);
    for (const name of ['sessions', 'tails', 'ring_bytes']) {
      expect(await gauge(registry, `tidegate_stream_${name}`)).toBe(0);
    }
  });

  it('leaves nothing behind when a thousand clients leave before they are let in', async () => {
    const log = new MemoryLog(() => sleep(Math.random() * 5));
    const { hub, registry } = open({ log });
    await Promise.all(
      Array.from({ length: 1_000 }, async (_, n) => {
        const session = await hub.subscribe(
          caller(),
          'orders',
          n % 2 === 0 ? {} : { from: 'earliest' },
          new HeardSink(),
        );
        session.close();
        session.close();
      }),
    );
    await sleep(40);
    expect(log.tailCount).toBe(0);
    expect(await gauge(registry, 'tidegate_stream_sessions')).toBe(0);
    expect(await gauge(registry, 'tidegate_stream_tails')).toBe(0);
  });
});
