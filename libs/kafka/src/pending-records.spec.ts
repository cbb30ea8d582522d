import { Gauge } from '@tidegate/telemetry';
import { PendingRecord } from './pending-record';
import { PendingRecords } from './pending-records';

describe(PendingRecords.name, () => {
  const gauge = new Gauge({ name: 'pending_records_spec', help: 'x', registers: [] });
  let expired: number;
  let records: PendingRecords;

  const add = (timeoutMs: number): PendingRecord => {
    const message = { key: null, value: null, headers: {} };
    const sending = { topic: 't', partition: undefined, message, bytes: 10, deadlineMs: Date.now() + timeoutMs };
    const record = new PendingRecord(sending, (settled) => records.remove(settled));
    record.acknowledged.catch(() => undefined);
    records.add(record);
    return record;
  };

  beforeEach(() => {
    jest.useFakeTimers();
    expired = 0;
    records = new PendingRecords(gauge, () => (expired += 1));
  });

  afterEach(() => jest.useRealTimers());

  it('ends each record at its own deadline, whatever the order they came in', async () => {
    const slow = add(10_000);
    const quick = add(1_000);
    await jest.advanceTimersByTimeAsync(999);
    expect([slow.settled, quick.settled]).toEqual([false, false]);
    await jest.advanceTimersByTimeAsync(25);
    expect([slow.settled, quick.settled]).toEqual([false, true]);
    await jest.advanceTimersByTimeAsync(9_000);
    expect([slow.settled, expired, records.bytes]).toEqual([true, 2, 0]);
  });

  it('counts the bytes of what has no outcome yet', () => {
    const record = add(1_000);
    add(1_000);
    expect(records.bytes).toBe(20);
    record.succeed({ topic: 't', partition: 0, offset: '0' });
    expect(records.bytes).toBe(10);
  });

  it('is drained when the last record has its outcome', async () => {
    const record = add(1_000);
    const drained = records.drained();
    record.succeed({ topic: 't', partition: 0, offset: '0' });
    await drained;
    await records.drained();
  });
});

describe(PendingRecord.name, () => {
  const sending = {
    topic: 't',
    partition: undefined,
    message: { key: null, value: null, headers: {} },
    bytes: 1,
    deadlineMs: 0,
  };

  it('is unavailable when it never left, and unknown when it was in flight', async () => {
    const waiting = new PendingRecord(sending, () => undefined);
    const inFlight = new PendingRecord(sending, () => undefined);
    inFlight.onSending();
    waiting.expire(1);
    inFlight.expire(1);
    await expect(waiting.acknowledged).rejects.toMatchObject({ code: 'unavailable', outcome: undefined });
    await expect(inFlight.acknowledged).rejects.toMatchObject({ code: 'timeout', outcome: 'unknown' });
  });

  it('hears its outcome once', async () => {
    const record = new PendingRecord(sending, () => undefined);
    record.expire(1);
    record.succeed({ topic: 't', partition: 0, offset: '0' });
    await expect(record.acknowledged).rejects.toMatchObject({ code: 'unavailable' });
  });
});
