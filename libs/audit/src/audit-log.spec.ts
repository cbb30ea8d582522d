import { AppError } from '@tidegate/errors';
import fc from 'fast-check';
import { account, book, metric, readEntry, until, writeEntry } from './audit-fixture';
import { AuditLog } from './audit-log';
import type { AuditEntry } from './event';

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe(AuditLog.name, () => {
  it('sends events in their order, numbered from 1, under one key, as CloudEvents', async () => {
    const { log, sender } = book();
    for (const index of range(1, 1_200)) log.record(readEntry({ requestId: `r${index}` }));
    await until(() => sender.records.length === 1_200);
    const { events } = sender;
    expect(events.map(({ data }) => ('gap' in data ? '' : data.requestId))).toEqual(
      range(1, 1_200).map((n) => `r${n}`),
    );
    expect(account(events).seqs).toEqual(range(1, 1_200));
    const [{ topic, key, headers } = { topic: '', key: '', headers: {} }] = sender.records;
    expect(topic).toBe('audit.events');
    expect(key).toMatch(/^urn:tidegate:writer:mobile:[\da-f-]{36}$/);
    expect(new Set(sender.records.map((record) => record.key))).toEqual(new Set([key]));
    expect(headers).toEqual({ 'content-type': 'application/cloudevents+json; charset=UTF-8' });
    expect(new Set(events.map(({ id }) => id)).size).toBe(1_200);
    await log.close();
  });

  it('says who, what, of what, how it was decided and how it went', async () => {
    const { log, sender } = book();
    const topics = [{ topic: 'shop.orders', ranges: [{ partition: 2, from: '7', to: '9007199254740993' }] }];
    log.record(readEntry({ resource: { streams: ['orders'], topics }, address: '10.0.0.1', userAgent: 'phone/1' }));
    log.record(writeEntry({ decision: 'deny', status: 403, outcome: 'permission_denied' }));
    await log.close();
    const [read, write] = sender.events;
    expect(read).toMatchObject({
      specversion: '1.0',
      type: 'tidegate.audit.request',
      datacontenttype: 'application/json',
      data: {
        ...{ class_uid: 6003, category_uid: 6, activity_id: 2, type_uid: 600302, severity_id: 1, status_id: 1 },
        writer: { app: 'mobile', seq: 1 },
        actor: { subject: '13', tenant: 'north', roles: ['customer'] },
        ...{ action: 'read', api: { operation: 'GET /orders' }, resource: { streams: ['orders'], topics } },
        ...{ decision: 'allow', grants: ['own-orders'], policyVersion: 'v1', rows: { given: 2, heldBack: 1 } },
        ...{ src_endpoint: { ip: '10.0.0.1' }, http_request: { user_agent: 'phone/1' }, outcome: 'ok' },
      },
    });
    expect(write?.data).toMatchObject({ activity_id: 1, type_uid: 600301, severity_id: 2, status_id: 2 });
    expect(read?.id.slice(14, 15)).toBe('7');
    const { boot } = read?.data.writer ?? { boot: '' };
    expect(read?.source).toBe(`urn:tidegate:writer:mobile:${boot}`);
  });

  it('returns at once and loses nothing within its limit while Kafka is away', async () => {
    const { log, sender, registry, lines } = book({ maxEvents: 100 });
    sender.goAway();
    for (let count = 0; count < 80; count++) log.record(readEntry());
    for (let count = 0; count < 20; count++) log.record(writeEntry());
    expect(await metric(registry, 'tidegate_audit_queued_events')).toBe(100);
    expect(await metric(registry, 'tidegate_audit_queued_bytes')).toBeGreaterThan(100 * 500);
    sender.comeBack();
    await until(() => sender.records.length === 100);
    expect(account(sender.events)).toEqual({ seqs: range(1, 100), missing: [] });
    expect(await metric(registry, 'tidegate_audit_events_total{outcome="sent"}')).toBe(100);
    expect(await metric(registry, 'tidegate_audit_events_total{outcome="dropped"}')).toBe(0);
    expect(await metric(registry, 'tidegate_audit_queued_bytes')).toBe(0);
    expect(lines).toEqual([]);
    await log.close();
  });

  it('leaves out permitted reads first, then the newest of all, and says so as soon as there is room', async () => {
    const { log, sender, registry, lines } = book({ maxEvents: 100 });
    sender.goAway();
    for (let count = 0; count < 85; count++) log.record(readEntry());
    for (let count = 0; count < 25; count++) log.record(writeEntry());
    expect(log.health.check()).toEqual({ ok: false, reason: '100 events wait for Kafka, 6 were left out' });
    sender.comeBack();
    await until(() => sender.records.length === 101);
    // 81 to 85 were reads beyond their share; 86 says so, and takes a place that a write would have had.
    const { seqs, missing } = account(sender.events);
    expect(missing).toEqual([...range(81, 85), ...range(106, 111)]);
    expect(seqs).toEqual([...range(1, 80), ...range(86, 105), 112]);
    expect(sender.events[80]).toMatchObject({ type: 'tidegate.audit.gap', data: { gap: { from: 81, count: 5 } } });
    expect(sender.events.at(-1)).toMatchObject({ type: 'tidegate.audit.gap', data: { gap: { from: 106, count: 6 } } });
    expect(await metric(registry, 'tidegate_audit_events_total{outcome="dropped"}')).toBe(11);
    expect(log.health.check()).toEqual({ ok: true });
    expect(lines.map(({ about }) => about)).toEqual([
      { reason: 'no room', waiting: 80 },
      { reason: 'no room', waiting: 100 },
    ]);
    await log.close();
  });

  it('keeps its limit of bytes from both sides', async () => {
    const size = 2_000;
    const big = () => writeEntry({ grants: ['x'.repeat(size)] });
    const probe = book();
    probe.log.record(big());
    await probe.log.close();
    const one = String(probe.sender.records[0]?.value).length + 200;
    const enough = book({ maxBytes: one * 3 });
    const tooFew = book({ maxBytes: one * 3 - 1 });
    for (const { log, sender } of [enough, tooFew]) {
      sender.goAway();
      for (let count = 0; count < 3; count++) log.record(big());
      sender.comeBack();
      await log.close();
    }
    expect(account(enough.sender.events)).toEqual({ seqs: [1, 2, 3], missing: [] });
    expect(account(tooFew.sender.events)).toEqual({ seqs: [1, 2, 4], missing: [3] });
  });

  it('counts every event once, as sent or as missing, whatever comes and goes', async () => {
    const step = fc.oneof(
      { weight: 8, arbitrary: fc.record({ record: fc.boolean(), count: fc.integer({ min: 1, max: 12 }) }) },
      { weight: 2, arbitrary: fc.constantFrom('away' as const, 'back' as const, 'pause' as const) },
    );
    const check = async (steps: readonly ('away' | 'back' | 'pause' | { record: boolean; count: number })[]) => {
      const { log, sender } = book({ maxEvents: 10 });
      let recorded = 0;
      for (const one of steps) {
        if (one === 'away') sender.goAway();
        else if (one === 'back') sender.comeBack();
        else if (one === 'pause') await new Promise((resolve) => setImmediate(resolve));
        else
          for (let count = 0; count < one.count; count++, recorded++)
            log.record(one.record ? readEntry() : writeEntry());
      }
      sender.comeBack();
      await log.close();
      const { events } = sender;
      const { seqs, missing } = account(events);
      const gaps = events.filter(({ type }) => type === 'tidegate.audit.gap').length;
      expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
      expect([...seqs, ...missing].sort((a, b) => a - b)).toEqual(range(1, seqs.length + missing.length));
      expect(seqs.length - gaps + missing.length).toBe(recorded);
    };
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 20 }), check), { numRuns: 60 });
  });

  it('goes on after a failure, in the same order', async () => {
    const { log, sender, lines } = book();
    let failures = 1;
    sender.refuse = () => (failures-- > 0 ? new AppError('not_found', 'Kafka has no topic.') : undefined);
    log.record(readEntry());
    await until(() => lines.length === 1);
    log.record(readEntry());
    await log.close();
    expect(account(sender.events).seqs).toEqual([1, 2]);
    expect(lines[0]).toMatchObject({ level: 'warn', message: 'audit events cannot be sent' });
  });

  it('puts a gap in place of an event that Kafka refuses for good', async () => {
    const { log, sender } = book();
    sender.refuse = ({ value }) =>
      String(value).includes('"bad"') ? new AppError('too_large', 'Too large.') : undefined;
    for (const requestId of ['a', 'bad', 'c']) log.record(readEntry({ requestId }));
    await log.close();
    const bySeq = sender.events.sort((a, b) => a.data.writer.seq - b.data.writer.seq);
    expect(bySeq.map(({ type }) => type.split('.').at(-1))).toEqual(['request', 'gap', 'request']);
    expect(bySeq[1]?.data).toMatchObject({ writer: { seq: 2 }, gap: { from: 2, count: 1 } });
  });

  it('never throws, whatever it is given', async () => {
    const { log, lines } = book();
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    const hostile = [
      undefined,
      null,
      7,
      {},
      readEntry({ latencyMs: 1n as unknown as number }),
      circular,
      Object.create(null),
    ];
    for (const entry of hostile) expect(() => log.record(entry as AuditEntry)).not.toThrow();
    const failing = () => {
      throw new Error('a mistake of ours');
    };
    expect(() => log.record(failing)).not.toThrow();
    expect(lines.filter(({ level }) => level === 'error').length).toBeGreaterThan(0);
    await log.close();
    await log.close();
  });

  it('sends what waits when it closes, and takes nothing more', async () => {
    const { log, sender } = book({ lingerMs: 60_000 });
    log.record(readEntry());
    await log.close();
    log.record(readEntry());
    await log.close();
    expect(sender.records).toHaveLength(1);
  });

  it('closes in time when Kafka stays away, and says what may be lost', async () => {
    const { log, sender, lines } = book({ flushMs: 50 });
    sender.goAway();
    for (let count = 0; count < 7; count++) log.record(readEntry());
    const startedAtMs = Date.now();
    await log.close();
    expect(Date.now() - startedAtMs).toBeLessThan(1_000);
    expect(lines.at(-1)).toMatchObject({ level: 'error', about: { events: 7 } });
  });

  it('has no more on its way than one request to Kafka takes', async () => {
    const { log, sender } = book();
    sender.goAway();
    for (let count = 0; count < 700; count++) log.record(readEntry());
    await until(() => sender.waiting.length > 0);
    expect(sender.waiting).toHaveLength(500);
    sender.comeBack();
    await log.close();
    expect(account(sender.events).seqs).toEqual(range(1, 700));
  });
});
