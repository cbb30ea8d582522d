import { randomUUID } from 'node:crypto';
import { AuditTrail } from './support/audit-trail';
import { House } from './support/house';
import { WebSocketClient } from './support/websocket-client';

// What the doors tell the auditors, in a real topic: who read what, from which offsets, and what is missing when Kafka was away.
describe('audit events', () => {
  let house: House;
  let mobile: Awaited<ReturnType<House['startMobile']>>;
  let trail: AuditTrail;
  let owner: string;
  let service: string;

  const broker = () => {
    const [node] = house.kafka.nodes;
    if (node === undefined) throw new Error('no broker');
    return node;
  };

  const ask = async (path: string, { token = '', headers = {} }: { token?: string; headers?: object } = {}) => {
    const id = randomUUID();
    const authorization = token === '' ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(`${mobile.url}${path}`, {
      headers: { ...authorization, ...headers, 'x-request-id': id },
    });
    return { id, status: response.status, text: await response.text() };
  };

  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

  beforeAll(async () => {
    house = await House.start();
    mobile = await house.startMobile('mobile-audited', 'ready', { AUDIT_QUEUE_EVENTS: '100' });
    [owner, service] = await Promise.all([
      house.token({ role: 'customer', subject: '13' }),
      house.token({ role: 'service' }),
    ]);
    trail = await AuditTrail.open(house.kafka.brokers);
    // The seeded history is on its way still; whoever counts rows waits for its end.
    await house.shop.untilSeedIsRelayed();
  }, 180_000);

  afterAll(async () => {
    await trail.close();
    await house.stop();
  }, 60_000);

  it('say of a read what was given and held back, by which grants, from which offsets', async () => {
    for (const customer of ['14', '13', '13']) await house.placeOrder(customer, service);
    const page = () => ask('/orders/stream/records?from=earliest&limit=3&waitMs=500', { token: owner });
    let answer = await page();
    while (!answer.text.includes('"orderId"')) answer = await page();
    const { id, text } = answer;
    const [event, ...more] = await trail.ofRequests([id]);
    expect(more).toEqual([]);
    expect(event?.data).toMatchObject({
      ...{
        action: 'read',
        decision: 'allow',
        outcome: 'ok',
        status: 200,
        api: { operation: 'GET /orders/stream/records' },
      },
      actor: { type: 'user', subject: '13', tenant: 'north', roles: ['customer'], method: 'bearer' },
      resource: { streams: ['orders'], query: ['from', 'limit', 'waitMs'], topics: [{ topic: 'shop.orders' }] },
      writer: { app: 'mobile' },
    });
    expect(event?.data.grants.length).toBeGreaterThan(0);
    expect(event?.data.policyVersion).toMatch(/^[\w-]{22}$/);
    const { given = 0, heldBack = 0 } = event?.data.rows ?? {};
    const ranges = event?.data.resource.topics?.flatMap((topic) => topic.ranges) ?? [];
    expect(given).toBe((JSON.parse(text) as { records: object[] }).records.length);
    expect(ranges.reduce((sum, { from, to }) => sum + Number(to) - Number(from), 0)).toBe(given + heldBack);
  });

  it('say of rows from services how many the caller was given', async () => {
    const { id } = await ask('/orders?limit=5', { token: owner });
    const [event] = await trail.ofRequests([id]);
    expect(event?.data).toMatchObject({ rows: { heldBack: 0 }, resource: { route: '/orders', streams: ['orders'] } });
    expect(event?.data.rows?.given).toBeGreaterThan(0);
  });

  it('stand for every denial, anonymous or not', async () => {
    const support = await house.token({ role: 'support', tenant: 'north' });
    const answers = await Promise.all([
      ask('/orders'),
      ask('/orders', { token: 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxMyJ9.c2ln' }),
      ask('/orders', { token: support }),
      ask('/orders/99999999999', { token: owner }),
      ask(`/nowhere/${owner}`),
      ask(`/orders?access_token=${owner}`, { headers: { 'x-api-key': 'tg_test_k7Q2_0123456789abcdefghij_9f8e' } }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 403, 404, 404, 401]);
    const events = await trail.ofRequests(answers.map(({ id }) => id));
    expect(events).toHaveLength(6);
    expect(events.every(({ data }) => data.decision === 'deny')).toBe(true);
    const actor = (index: number) => events.find(({ data }) => data.requestId === answers[index]?.id)?.data.actor;
    expect(actor(0)).toEqual({ type: 'anonymous', roles: [], method: 'none' });
    expect(actor(2)).toMatchObject({ roles: ['support'], tenant: 'north' });
    expect(actor(3)).toMatchObject({ subject: '13' });
  });

  it('tell a stream session from its start to its end', async () => {
    const stream = await WebSocketClient.open(`${mobile.url.replace('http', 'ws')}/orders/stream`, owner);
    const own = await house.placeOrder('13', service);
    await house.placeOrder('14', service);
    const last = await house.placeOrder('13', service);
    await stream.untilRows('orderId', [own, last]);
    stream.close();
    const of = (type: string) => trail.activities.filter((event) => event.type === `tidegate.audit.stream.${type}`);
    await trail.until(() => of('end').length === 1);
    const [start, end] = [of('start')[0]?.data, of('end')[0]?.data];
    expect(start).toMatchObject({ actor: { subject: '13' }, decision: 'allow', resource: { streams: ['orders'] } });
    expect(end).toMatchObject({ sessionId: start?.sessionId, requestId: start?.requestId, outcome: 'closed' });
    const given = of('minute').reduce((sum, { data }) => sum + (data.rows?.given ?? 0), end?.rows?.given ?? 0);
    expect(given).toBe(stream.rows.length);
    const upgrade = trail.activities.find(({ data }) => data.api.operation === 'WEBSOCKET /orders/stream');
    expect(upgrade?.data).toMatchObject({
      status: 101,
      requestId: start?.requestId,
      resource: { streams: ['orders'] },
    });
  });

  it('stand in the order and under the numbers of their writer, and hold no secret', () => {
    const sources = new Set(trail.events.map(({ source }) => source));
    expect(sources.size).toBe(1);
    const [source = ''] = sources;
    const { seqs, missing } = trail.account(source);
    expect(seqs).toEqual(range(1, seqs.length));
    expect(missing).toEqual([]);
    expect(trail.partitionsOf(source).size).toBe(1);
    for (const secret of [owner, service, 'eyJ', 'tg_test', '0123456789abcdefghij'])
      expect(trail.text).not.toContain(secret);
  });

  it('wait while the broker is dead, and none of those within the limit is lost', async () => {
    await broker().kill();
    const answers = [];
    for (let count = 0; count < 60; count++) answers.push(await ask('/openapi.json'));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const denied = await ask('/orders');
    await broker().start();
    const ids = [...answers, denied].map(({ id }) => id);
    const events = await trail.ofRequests(ids, 60_000);
    const source = events[0]?.source ?? '';
    const { seqs, missing } = trail.account(source);
    expect(missing).toEqual([]);
    expect(seqs).toEqual(range(1, seqs.length));
  }, 120_000);

  it('are counted in a gap where there were more than that, reads before denials', async () => {
    const [{ source } = { source: '' }] = trail.events;
    const before = trail.account(source).seqs.length;
    await broker().kill();
    const reads = [];
    for (let count = 0; count < 150; count++) reads.push(await ask('/openapi.json'));
    const denials = [];
    for (let count = 0; count < 10; count++) denials.push(await ask('/orders'));
    await broker().start();
    await trail.ofRequests(
      denials.map(({ id }) => id),
      60_000,
    );
    const { seqs, missing } = trail.account(source);
    const found = new Set(trail.activities.map(({ data }) => data.requestId));
    const lost = reads.filter(({ id }) => !found.has(id));
    expect(lost.length).toBeGreaterThanOrEqual(70);
    expect(missing).toHaveLength(lost.length);
    // Every number up to the last is there or missing, and the reads that were kept are the oldest.
    expect([...seqs, ...missing].sort((a, b) => a - b)).toEqual(range(1, seqs.length + missing.length));
    expect(reads.slice(0, reads.length - lost.length).every(({ id }) => found.has(id))).toBe(true);
    expect(seqs.length - before).toBe(150 - lost.length + 10 + 1);
    const metrics = await (await fetch(`${mobile.opsUrl}/metrics`)).text();
    expect(metrics).toContain(`tidegate_audit_events_total{outcome="dropped"} ${lost.length}`);
  }, 120_000);

  it('go out before the process ends', async () => {
    const { id } = await ask('/openapi.json');
    await mobile.process.stop();
    const [event] = await trail.ofRequests([id]);
    expect(event?.data).toMatchObject({ status: 200 });
  });
});
