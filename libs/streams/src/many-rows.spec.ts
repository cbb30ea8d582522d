import { parseJson, stringifyJson, type JsonObject } from '@tidegate/contracts';
import fc from 'fast-check';
import { caller, gauge, HeardSink, order, topic, world, type World } from './stream-fixture';

// One record holds many rows; a cursor stands between records, never inside one.
const rowIds = (first: number, count: number) => Array.from({ length: count }, (_, n) => `${first + n}`);

/** A record of north with an order for each id; `outer` is what all of them share. */
function batch(ids: readonly string[], outer: JsonObject = {}): string {
  const rest = { ...(parseJson(order('x')) as JsonObject), ...outer };
  delete rest['orderId'];
  return stringifyJson({ ...rest, batch: ids.map((orderId) => ({ orderId })) });
}

describe('a record with many rows', () => {
  const worlds: World[] = [];
  const open = (limits = {}): World => {
    const made = world({ stream: { rows: 'batch' }, limits });
    worlds.push(made);
    return made;
  };

  const follow = async ({ hub }: World, start: { from?: string; after?: string } = {}, who = caller()) => {
    const sink = new HeardSink();
    const session = await hub.subscribe(who, 'orders', start, sink);
    await sink.until(() => sink.kinds.includes('caught-up'));
    return { sink, session };
  };

  /** All pages from a place to the end. */
  const readAll = async ({ hub }: World, limit: number, start: object = { from: 'earliest' }) => {
    const pages: string[][] = [];
    for (let next = start; ;) {
      const page = await hub.read(caller(), 'orders', { ...next, limit, waitMs: 0 });
      if (page.records.length === 0) return pages;
      pages.push(page.records.map((row) => row['orderId'] as string));
      next = { after: page.cursor };
    }
  };

  afterEach(async () => {
    await Promise.all(worlds.splice(0).map(({ hub }) => hub.close()));
  });

  it('becomes that many rows, in order, live and from the past', async () => {
    const all = open();
    const { sink } = await follow(all);
    all.log.append(topic, { value: batch(rowIds(0, 3)) });
    all.log.append(topic, { value: batch(rowIds(3, 2)) });
    await sink.until(() => sink.ids.length === 5);
    const { sink: later } = await follow(all, { from: 'earliest' });
    expect([sink.ids, later.ids]).toEqual([rowIds(0, 5), rowIds(0, 5)]);
  });

  it('is shown to nobody of another tenant, whatever its rows say', async () => {
    const all = open();
    const south = caller('s', { tenant: 'south', roles: ['support'] });
    const { sink } = await follow(all, {}, south);
    const forged = batch(['1']).replace('{"orderId":"1"}', '{"orderId":"1","tenantId":"south"}');
    all.log.append(topic, { value: forged });
    all.log.append(topic, { value: batch(['2'], { tenantId: 'south' }) });
    await sink.until(() => sink.ids.includes('2'));
    expect(sink.ids).toEqual(['2']);
  });

  it('counts and logs each of its bad rows, and shows the others', async () => {
    const all = open();
    const { sink } = await follow(all);
    all.log.append(topic, { value: batch(['1', '2', '3']).replace('"2"', '2') });
    all.log.append(topic, { value: order('no list') });
    all.log.append(topic, { value: batch(['4']) });
    await sink.until(() => sink.ids.includes('4'));
    expect(sink.ids).toEqual(['1', '3', '4']);
    expect(await gauge(all.registry, 'tidegate_stream_bad_records_total')).toBe(2);
    expect(all.warnings).toEqual([
      expect.objectContaining({ topic, partition: 0, offset: '0', reason: 'batch.1: orderId: invalid_type' }),
    ]);
  });

  it('comes whole before its cursor, so that resuming there neither repeats nor skips a row', async () => {
    const all = open({ batchBytes: 1 });
    for (let first = 0; first < 20; first += 4) all.log.append(topic, { value: batch(rowIds(first, 4)) });
    const { sink } = await follow(all, { from: 'earliest' });
    const deliveries = sink.of('rows');
    expect(deliveries).toHaveLength(5);
    for (const [index, { c }] of deliveries.entries()) {
      const { sink: resumed } = await follow(all, { after: c });
      expect(resumed.ids).toEqual(rowIds((index + 1) * 4, 20 - (index + 1) * 4));
    }
  });

  it('stays in one page: a limit cuts before it, or after it when it alone is over the limit', async () => {
    const all = open();
    for (const [first, count] of [
      [0, 3],
      [3, 3],
      [6, 9],
      [15, 1],
    ] as const) {
      all.log.append(topic, { value: batch(rowIds(first, count)) });
    }
    expect(await readAll(all, 5)).toEqual([rowIds(0, 3), rowIds(3, 3), rowIds(6, 9), rowIds(15, 1)]);
    expect(await readAll(all, 6)).toEqual([rowIds(0, 6), rowIds(6, 9), rowIds(15, 1)]);
    expect(await readAll(all, 100)).toEqual([rowIds(0, 16)]);
  });

  it('loses and doubles nothing over any limit', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 12 }),
        fc.integer({ min: 1, max: 8 }),
        async (counts, limit) => {
          const all = open();
          let rows = 0;
          for (const count of counts) {
            all.log.append(topic, { value: batch(rowIds(rows, count)) });
            rows += count;
          }
          const pages = await readAll(all, limit);
          expect(pages.flat()).toEqual(rowIds(0, rows));
          for (const page of pages) expect(page.length).toBeLessThanOrEqual(Math.max(limit, 6));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('gives way to others when it and its like are full of rows for somebody else', async () => {
    const all = open();
    for (let n = 0; n < 30; n++) {
      all.log.append(topic, { value: batch(rowIds(n * 500, 500), { customerId: '15' }) });
    }
    all.log.append(topic, { value: batch(['mine']) });
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    const { sink } = await follow(all, { from: 'earliest' });
    clearInterval(timer);
    expect(sink.ids).toEqual(['mine']);
    expect(turns).toBeGreaterThan(3);
    expect(await readAll(all, 10)).toEqual([['mine']]);
  });

  it('counts each of its rows as given or held back', async () => {
    const all = open();
    const { sink, session } = await follow(all);
    all.log.append(topic, { value: batch(rowIds(0, 3)) });
    all.log.append(topic, { value: batch(rowIds(3, 2), { customerId: '15' }) });
    all.log.append(topic, { value: batch(['end']) });
    await sink.until(() => sink.ids.includes('end'));
    session.close();
    expect(all.audited.at(-1)).toMatchObject({ rows: { given: 4, heldBack: 2 } });
  });
});
