import { AppError } from '@tidegate/errors';
import { setTimeout as sleep } from 'node:timers/promises';
import { caller, order, replica, topic, world, type World } from './stream-fixture';
import type { ReadOptions, StreamHub } from './stream-hub';

const hubs: StreamHub[] = [];

function open(options: Parameters<typeof world>[0] = {}): World {
  const made = world(options);
  hubs.push(made.hub);
  return made;
}

afterEach(async () => {
  await Promise.all(hubs.splice(0).map((hub) => hub.close()));
});

async function read(hub: StreamHub, options: Partial<ReadOptions> = {}, who = caller()) {
  const page = await hub.read(who, 'orders', { limit: 100, waitMs: 0, ...options });
  return { ...page, ids: page.records.map((row) => row['orderId']) };
}

describe('StreamHub.read()', () => {
  it('gives pages of at most `limit` rows, each cursor going on exactly after the last', async () => {
    const { log, hub } = open({ partitions: 2 });
    for (let n = 0; n < 10; n++) log.append(topic, { value: order(`${n}`) }, n % 2);
    const first = await read(hub, { from: 'earliest', limit: 4 });
    const second = await read(hub, { after: first.cursor, limit: 4 });
    const third = await read(hub, { after: second.cursor, limit: 4 });
    expect([first, second, third].map(({ ids }) => ids.length)).toEqual([4, 4, 2]);
    expect([...first.ids, ...second.ids, ...third.ids].sort()).toEqual([...'0123456789']);
    expect(await read(hub, { after: second.cursor, limit: 4 })).toMatchObject({ ids: third.ids });
  });

  it('gives a cursor that is further on when no row was for the caller', async () => {
    const all = open();
    const { log, hub } = all;
    const start = await read(hub);
    for (let n = 0; n < 10; n++) log.append(topic, { value: order(`${n}`, { customerId: '15' }) });
    const other = replica(all);
    hubs.push(other);
    const page = await read(other, { after: start.cursor });
    expect(page).toMatchObject({ records: [], gone: [], gap: null, caughtUp: true });
    log.readsOf.clear();
    await read(other, { after: page.cursor });
    expect(log.readsOf.size).toBe(0);
  });

  it('waits for a first row, and no longer than asked', async () => {
    const { log, hub } = open();
    const { cursor } = await read(hub);
    const waiting = read(hub, { after: cursor, waitMs: 5_000 });
    await sleep(20);
    const startedMs = Date.now();
    log.append(topic, { value: order('0', { customerId: '15' }) });
    log.append(topic, { value: order('1') });
    expect((await waiting).ids).toEqual(['1']);
    expect(Date.now() - startedMs).toBeLessThan(1_000);
    const again = await read(hub, { after: (await waiting).cursor, waitMs: 30 });
    expect(again.ids).toEqual([]);
  });

  it('ends when its caller leaves, the credential is taken back, or the process ends', async () => {
    const { log, hub } = open();
    const leaving = new AbortController();
    const left = read(hub, { waitMs: 30_000, signal: leaving.signal });
    const withdrawn = new AbortController();
    const revoked = read(hub, { waitMs: 30_000 }, caller('13', { withdrawn: withdrawn.signal }));
    const drained = read(hub, { waitMs: 30_000 });
    await sleep(10);
    leaving.abort();
    expect((await left).ids).toEqual([]);
    withdrawn.abort();
    expect((await revoked).ids).toEqual([]);
    void hub.drain();
    expect((await drained).cursor).not.toBe('');
    await sleep(40);
    expect(log.tailCount).toBe(0);
  });

  it('returns early with a cursor when it has looked at enough, so that going on reaches the row', async () => {
    const all = open();
    for (let n = 0; n < 9_000; n++) all.log.append(topic, { value: order(`${n}`, { customerId: '15' }) });
    all.log.append(topic, { value: order('mine') });
    const other = replica(all, {}, { resume: { maxScanned: 4_000, maxMs: 2_000 } });
    hubs.push(other);
    let page = await read(other, { from: 'earliest', waitMs: 1_000 });
    expect(page.caughtUp).toBe(false);
    let pages = 1;
    for (; page.ids.length === 0; pages++) page = await read(other, { after: page.cursor, waitMs: 1_000 });
    expect(page.ids).toEqual(['mine']);
    expect(pages).toBe(3);
  });

  it('gives deletes after the rows of a page, and what follows them in the next', async () => {
    const { log, hub } = open();
    const headers = { 'tg-tenant': 'north', 'tg-subject': '13' };
    log.append(topic, { key: '1', value: order('1') });
    log.append(topic, { key: '1', value: null, headers });
    log.append(topic, { key: '1', value: order('1') });
    const page = await read(hub, { from: 'earliest' });
    expect(page).toMatchObject({ ids: ['1'], gone: [['1']] });
    expect(await read(hub, { after: page.cursor })).toMatchObject({ ids: ['1'], gone: [] });
  });

  it('says a gap, with what follows it', async () => {
    const all = open();
    const { cursor } = await read(all.hub);
    for (let n = 0; n < 10; n++) all.log.append(topic, { value: order(`${n}`) });
    all.log.deleteBefore(topic, 8n);
    const other = replica(all);
    hubs.push(other);
    expect(await read(other, { after: cursor })).toMatchObject({ gap: { reason: 'retention' }, ids: ['8', '9'] });
  });

  it('is unavailable while Kafka is, also in the middle of a wait', async () => {
    const { log, hub } = open();
    const { cursor } = await read(hub);
    const waiting = read(hub, { after: cursor, waitMs: 200 });
    await sleep(10);
    log.setDown(true);
    await expect(waiting).rejects.toMatchObject({ code: 'unavailable' });
    await expect(read(hub)).rejects.toMatchObject({ code: 'unavailable', retryAfterMs: expect.any(Number) as number });
    log.setDown(false);
    expect((await read(hub, { after: cursor })).ids).toEqual([]);
  });

  it('refuses as a subscription does', async () => {
    const { hub } = open();
    const { cursor } = await read(hub);
    await expect(hub.read(caller(), 'nothing', { limit: 1, waitMs: 0 })).rejects.toMatchObject({ code: 'not_found' });
    await expect(read(hub, { after: 'x' })).rejects.toBeInstanceOf(AppError);
    await expect(read(hub, { after: cursor }, caller('15'))).rejects.toMatchObject({ code: 'foreign_cursor' });
  });
});
