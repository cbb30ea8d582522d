import { auditNotes } from '@tidegate/audit';
import { requestContext } from '@tidegate/telemetry';
import { setTimeout as sleep } from 'node:timers/promises';
import { caller, HeardSink, order, topic, world, type World, type WorldOptions } from './stream-fixture';
import type { StreamHub } from './stream-hub';

const hubs: StreamHub[] = [];

function open(options: WorldOptions = {}): World {
  const made = world(options);
  hubs.push(made.hub);
  return made;
}

afterEach(async () => {
  await Promise.all(hubs.splice(0).map((hub) => hub.close()));
});

const other = { customerId: '15' };

describe('the audit of a session', () => {
  it('tells at its start and end who it is, by which grants, and where it stood', async () => {
    const { log, hub, audited } = open({ partitions: 2 });
    log.append(topic, { value: order('before') }, 1);
    const sink = new HeardSink();
    const context = { requestId: 'r1', traceId: 't1' };
    const session = await requestContext.run(context, () => hub.subscribe(caller(), 'orders', {}, sink));
    await sink.until(() => sink.kinds.includes('caught-up'));
    log.append(topic, { value: order('a') }, 1);
    log.append(topic, { value: order('b', other) }, 1);
    log.append(topic, { value: order('c') }, 1);
    await sink.until(() => sink.ids.length === 2);
    session.close();
    session.close();
    expect(audited).toHaveLength(2);
    expect(audited[0]).toMatchObject({
      ...{
        type: 'stream.start',
        action: 'read',
        decision: 'allow',
        grants: ['customer'],
        policyVersion: '1',
        outcome: 'ok',
      },
      actor: { subject: '13', tenant: 'north', roles: ['customer'] },
      resource: {
        streams: ['orders'],
        topics: [
          {
            topic,
            ranges: [
              { partition: 0, from: '0', to: '0' },
              { partition: 1, from: '1', to: '1' },
            ],
          },
        ],
      },
      ...{ sessionId: session.id, requestId: 'r1', traceId: 't1', rows: { given: 0, heldBack: 0 } },
    });
    expect(audited[1]).toMatchObject({
      ...{
        type: 'stream.end',
        sessionId: session.id,
        requestId: 'r1',
        outcome: 'closed',
        rows: { given: 2, heldBack: 1 },
      },
      resource: { streams: ['orders'], topics: [{ topic, ranges: [{ partition: 1, from: '1', to: '4' }] }] },
    });
    expect(auditNotes.of(context)).toMatchObject({ policyVersion: '1', streams: new Set(['orders']) });
  });

  it('counts history, live rows and what followed a stall once each, for every session its own', async () => {
    const { log, hub, audited } = open();
    for (let n = 0; n < 6; n++) log.append(topic, { value: order(`h${n}`, n % 3 === 0 ? other : {}) });
    const [early, late] = [new HeardSink(), new HeardSink()];
    const first = await hub.subscribe(caller(), 'orders', { from: 'earliest' }, early);
    await early.until(() => early.kinds.includes('caught-up'));
    for (let n = 0; n < 3; n++) log.append(topic, { value: order(`l${n}`, n === 0 ? other : {}) });
    await early.until(() => early.ids.length === 6);
    const second = await hub.subscribe(caller(), 'orders', {}, late);
    await late.until(() => late.kinds.includes('caught-up'));
    early.buffered = 1e6;
    log.append(topic, { value: order('s0') });
    log.append(topic, { value: order('s1', other) });
    await late.until(() => late.ids.length === 1);
    early.buffered = 0;
    await early.until(() => early.ids.length === 7);
    log.append(topic, { value: order('t0') });
    await Promise.all([early.until(() => early.ids.length === 8), late.until(() => late.ids.length === 2)]);
    first.close();
    second.close();
    const ends = audited.filter(({ type }) => type === 'stream.end');
    expect(ends.map(({ rows }) => rows)).toEqual([
      { given: 8, heldBack: 4 },
      { given: 2, heldBack: 1 },
    ]);
    expect(ends.map(({ resource }) => resource.topics)).toEqual([
      [{ topic, ranges: [{ partition: 0, from: '0', to: '12' }] }],
      [{ topic, ranges: [{ partition: 0, from: '9', to: '12' }] }],
    ]);
  });

  it('keeps the counts when a fresh token changes the view', async () => {
    const { log, hub, audited } = open();
    const sink = new HeardSink();
    const session = await hub.subscribe(caller(), 'orders', {}, sink);
    await sink.until(() => sink.kinds.includes('caught-up'));
    log.append(topic, { value: order('a') });
    await sink.until(() => sink.ids.length === 1);
    session.updatePrincipal(caller('13', { roles: ['support'] }));
    log.append(topic, { value: order('b', other) });
    await sink.until(() => sink.ids.length === 2);
    session.close();
    expect(audited.at(-1)).toMatchObject({
      rows: { given: 2, heldBack: 0 },
      grants: ['support'],
      actor: { roles: ['support'] },
    });
  });

  it('tells every minute what that minute brought, and nothing of a minute that brought nothing', async () => {
    const { log, hub, audited } = open({ limits: { summaryMs: 30, heartbeatMs: 40, expiryNoticeMs: 40 } });
    const sink = new HeardSink();
    const session = await hub.subscribe(caller(), 'orders', {}, sink);
    await sink.until(() => sink.kinds.includes('caught-up'));
    const minutes = () => audited.filter(({ type }) => type === 'stream.minute');
    for (let round = 1; round <= 2; round++) {
      log.append(topic, { value: order(`${round}`) });
      log.append(topic, { value: order(`x${round}`, other) });
      await sink.until(() => minutes().length === round);
    }
    await sleep(120);
    session.close();
    expect(minutes()).toHaveLength(2);
    expect(minutes()[1]).toMatchObject({
      rows: { given: 1, heldBack: 1 },
      resource: { topics: [{ topic, ranges: [{ partition: 0, from: '2', to: '4' }] }] },
    });
    expect(audited.at(-1)).toMatchObject({
      type: 'stream.end',
      rows: { given: 0, heldBack: 0 },
      resource: { topics: [] },
    });
  });

  it.each<[outcome: string, end: (world: World) => void]>([
    ['restart', ({ hub }) => void hub.drain()],
    ['token_expired', () => undefined],
  ])('says that it ended by %s', async (outcome, end) => {
    const made = open({ limits: { heartbeatMs: 40, expiryNoticeMs: 40 } });
    const sink = new HeardSink();
    const expiresAtMs = Date.now() + (outcome === 'token_expired' ? 50 : 3_600_000);
    await made.hub.subscribe(caller('13', { expiresAtMs }), 'orders', {}, sink);
    end(made);
    await sink.until(() => sink.kinds.includes('bye'));
    expect(made.audited.map(({ type }) => type)).toEqual(['stream.start', 'stream.end']);
    expect(made.audited[1]).toMatchObject({ outcome });
  });

  it('tells nothing of what was refused: its request or frame does', async () => {
    const { hub, audited } = open();
    await expect(hub.subscribe(caller('13', { roles: [] }), 'orders', {}, new HeardSink())).rejects.toThrow();
    await expect(hub.subscribe(caller(), 'nothing', {}, new HeardSink())).rejects.toThrow();
    expect(audited).toEqual([]);
  });
});

describe('the audit of a read', () => {
  it('goes into the event of its request: rows given and held back, offsets, grants', async () => {
    const { log, hub, audited } = open();
    for (let n = 0; n < 10; n++) log.append(topic, { value: order(`${n}`, n < 4 ? other : {}) });
    const context = { requestId: 'r1' };
    const options = { from: 'earliest', limit: 3, waitMs: 0 };
    const page = await requestContext.run(context, () => hub.read(caller(), 'orders', options));
    expect(page.records).toHaveLength(3);
    expect(auditNotes.of(context)).toEqual({
      streams: new Set(['orders']),
      grants: new Set(['customer']),
      policyVersion: '1',
      rows: { given: 3, heldBack: 4 },
      topics: [{ topic, ranges: [{ partition: 0, from: '0', to: '7' }] }],
    });
    expect(audited).toEqual([]);
  });
});
