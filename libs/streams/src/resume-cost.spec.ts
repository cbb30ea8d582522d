import { caller, gauge, HeardSink, order, topic, world, type World } from './stream-fixture';

const others = 4_000;

/** Rows of everybody else. */
function flood({ log }: World): void {
  const value = order('theirs', { customerId: '15' });
  for (let n = 0; n < others; n++) log.append(topic, { value });
}

const scanned = ({ registry }: World) => gauge(registry, 'tidegate_stream_scanned_records_total');

describe('coming back to a stream that is full of rows for others', () => {
  it('costs nothing for what passed while the session was open, since heartbeats bring the cursor along', async () => {
    const all = world({ limits: { heartbeatMs: 20, ringRecords: 10 } });
    const phone = new HeardSink();
    const session = await all.hub.subscribe(caller(), 'orders', {}, phone);
    await phone.until(() => phone.kinds.includes('caught-up'));
    const witness = new HeardSink();
    await all.hub.subscribe(caller('15'), 'orders', {}, witness);
    flood(all);
    await witness.until(() => witness.ids.length === others);
    const heartbeats = phone.of('cursor').length;
    await phone.until(() => phone.of('cursor').length > heartbeats);
    expect(phone.ids).toEqual([]);
    session.close();
    all.log.append(topic, { value: order('mine') });
    await witness.until(() => witness.ids.length === others);
    const before = await scanned(all);
    const again = new HeardSink();
    await all.hub.subscribe(caller(), 'orders', { after: phone.lastCursor }, again);
    await again.until(() => again.ids.length > 0);
    expect([again.ids, again.of('gap')]).toEqual([['mine'], []]);
    expect((await scanned(all)) - before).toBeLessThanOrEqual(1);
    await all.hub.close();
  });

  it('costs a page what lies before it once, since an empty page brings the cursor along', async () => {
    const all = world({ limits: { ringRecords: 10 } });
    flood(all);
    const read = (start: object) => all.hub.read(caller(), 'orders', { limit: 10, waitMs: 0, ...start });
    let page = await read({ from: 'earliest' });
    while (!page.caughtUp) page = await read({ after: page.cursor });
    expect(await scanned(all)).toBe(others);
    all.log.append(topic, { value: order('mine') });
    const next = await read({ after: page.cursor, waitMs: 5_000 });
    expect(next.records.map(({ orderId }) => orderId)).toEqual(['mine']);
    expect(await scanned(all)).toBe(others + 1);
    await all.hub.close();
  });

  it('costs no more than the stream allows: a gap, and live', async () => {
    const all = world({ stream: { resume: { maxScanned: 1_000, maxMs: 60_000 } }, limits: { ringRecords: 10 } });
    const { cursor } = await all.hub.read(caller(), 'orders', { limit: 1, waitMs: 0 });
    flood(all);
    const before = await scanned(all);
    const phone = new HeardSink();
    await all.hub.subscribe(caller(), 'orders', { after: cursor }, phone);
    await phone.until(() => phone.kinds.includes('caught-up'));
    expect(phone.of('gap').map(({ reason }) => reason)).toEqual(['too-far']);
    expect((await scanned(all)) - before).toBe(1_000);
    all.log.append(topic, { value: order('mine') });
    await phone.until(() => phone.ids.length > 0);
    await all.hub.close();
  });
});
