import { AppError } from '@tidegate/errors';
import type { StreamStart } from './start';
import { caller, HeardSink, order, topic, world, type WorldOptions } from './stream-fixture';
import type { StreamHub } from './stream-hub';

const hubs: StreamHub[] = [];

function open(options: WorldOptions = {}) {
  const made = world(options);
  hubs.push(made.hub);
  return made;
}

afterEach(async () => {
  await Promise.all(hubs.splice(0).map((hub) => hub.close()));
});

async function follow(hub: StreamHub, start: StreamStart, who = caller()) {
  const sink = new HeardSink();
  return { sink, session: await hub.subscribe(who, 'orders', start, sink) };
}

const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => AppError.from(error),
  );

describe('a filter', () => {
  it('lets through what matches of what the caller may see: replayed, live and by pages', async () => {
    const { log, hub } = open();
    const put = (id: string, total: number, customerId = '13') =>
      log.append(topic, { value: order(id, { total, customerId }) });
    put('a', 50);
    put('b', 150);
    put('x', 500, '15');
    const { sink } = await follow(hub, { from: 'earliest', where: 'row.total > 100.0' });
    await sink.until(() => sink.kinds.includes('caught-up'));
    put('c', 20);
    put('d', 101);
    await sink.until(() => sink.ids.includes('d'));
    expect(sink.ids).toEqual(['b', 'd']);
    const page = await hub.read(caller(), 'orders', {
      from: 'earliest',
      where: 'row.total < 100.0',
      limit: 9,
      waitMs: 0,
    });
    expect(page.records.map(({ orderId }) => orderId)).toEqual(['a', 'c']);
  });

  it.each([
    ['row.total >', 'where: condition at 1:12: '],
    ['row.nothing == 1.0', 'where: condition at 1:5: No such key: nothing'],
    ['row.total + 1.0', 'where: condition at 1:1: is a double, and must be true or false'],
    ['row.status.matches("a+")', 'where: condition at 1:1: the function "matches" is not offered'],
    ['row.customerId == sub.id', 'where: sub is not available here'],
    ['row.internalNotes == "vip"', 'where: row.internalNotes is not yours to filter by'],
    [`row.status == "${'x'.repeat(4_096)}"`, 'where: condition at 1:1: is longer than 4096 characters'],
  ])('is refused when it is %p', async (where, message) => {
    const { hub } = open();
    const error = await errorOf(follow(hub, { where }));
    expect(error?.code).toBe('invalid_argument');
    expect(error?.message).toContain(message);
    expect(error?.details[0]?.pointer).toBe('/where');
    const page = await errorOf(hub.read(caller(), 'orders', { where, limit: 1, waitMs: 0 }));
    expect(page?.message).toBe(error?.message);
  });

  it('is shared with equal ones of the same view, and forgotten with the last that uses it', async () => {
    const { log, hub } = open({ limits: { maxFilters: 2 } });
    const spy = jest.spyOn(JSON, 'stringify');
    const same = await Promise.all(Array.from({ length: 5 }, () => follow(hub, { where: 'row.total > 1.0' })));
    const { session } = await follow(hub, { where: 'row.total > 2.0' });
    expect((await errorOf(follow(hub, { where: 'row.total > 3.0' })))?.code).toBe('unavailable');
    await Promise.all(same.map(({ sink }) => sink.until(() => sink.kinds.includes('caught-up'))));
    const value = order('shared', { total: 1.5, internalNotes: 'hidden, so that it is written out' });
    spy.mockClear();
    log.append(topic, { value });
    await Promise.all(same.map(({ sink }) => sink.until(() => sink.ids.length === 1)));
    expect(spy.mock.calls.filter(([value]) => (value as { orderId?: string }).orderId === 'shared')).toHaveLength(1);
    spy.mockRestore();
    session.close();
    await follow(hub, { where: 'row.total > 3.0' });
    expect((await errorOf(follow(hub, { where: 'row.total > 4.0' })))?.code).toBe('unavailable');
  });

  it('ends with the right to see what it looks at', async () => {
    const { hub } = open();
    const { sink, session } = await follow(hub, { where: 'row.status == "placed"' }, caller('13', { roles: ['open'] }));
    session.updatePrincipal(caller('13', { roles: ['open'] }));
    expect(sink.of('bye')).toEqual([]);
    session.updatePrincipal(caller('13', { roles: ['closed'] }));
    expect(sink.of('bye').map(({ code }) => code)).toEqual(['access_withdrawn']);
  });
});
