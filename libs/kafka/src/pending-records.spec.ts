import { AppError } from '@tidegate/errors';
import type { PendingRecord } from './pending-record';
import { PendingRecords } from './pending-records';
import { sent, type Sent } from './pending.fixture';

/** What a record of three bytes counts. */
const recordBytes = 39;

describe(PendingRecords.name, () => {
  let admitted: PendingRecord[];
  let expired: number;

  const make = (maxBytes: number, whenFull: 'wait' | 'reject'): PendingRecords =>
    new PendingRecords(
      { maxBytes, whenFull },
      {
        onAdmitted: (record) => admitted.push(record),
        onExpired: () => (expired += 1),
        sweep: (nowMs) =>
          Math.min(...admitted.filter((each) => !each.expire(nowMs)).map(({ deadlineMs }) => deadlineMs)),
      },
    );

  const add = (records: PendingRecords, value: string, timeoutMs = 60_000): Sent => {
    const made = sent({ value }, timeoutMs, records);
    records.add(made.record);
    return made;
  };

  const succeed = ({ record }: Sent): void => record.succeed({ topic: 't', partition: 0, offset: '0' });
  const values = (): string[] => admitted.map(({ value }) => String(value));

  beforeEach(() => {
    jest.useFakeTimers();
    admitted = [];
    expired = 0;
  });

  afterEach(() => jest.useRealTimers());

  it('ends each record at its own deadline, whatever the order they came in', async () => {
    const records = make(1_000, 'reject');
    const slow = add(records, 'abc', 10_000).record;
    const quick = add(records, 'abc', 1_000).record;
    await jest.advanceTimersByTimeAsync(999);
    expect([slow.settled, quick.settled]).toEqual([false, false]);
    await jest.advanceTimersByTimeAsync(25);
    expect([slow.settled, quick.settled]).toEqual([false, true]);
    await jest.advanceTimersByTimeAsync(9_000);
    expect([slow.settled, expired]).toEqual([true, 2]);
  });

  it('keeps deadlines that are longer away than a timer can be', async () => {
    const patient = add(make(1_000, 'reject'), 'abc', 2 ** 32).record;
    expect(jest.getTimerCount()).toBe(1);
    await jest.advanceTimersByTimeAsync(2 ** 32 - 1);
    expect(patient.settled).toBe(false);
    await jest.advanceTimersByTimeAsync(50);
    expect(patient.settled).toBe(true);
  });

  it('takes what fits to the byte and rejects the next', () => {
    const records = make(3 * recordBytes, 'reject');
    const first = add(records, 'abc');
    add(records, 'abc');
    add(records, 'abc');
    expect(() => add(records, '')).toThrow('nothing was written');
    succeed(first);
    add(records, 'abc');
    expect(admitted).toHaveLength(4);
  });

  it('lets records wait for room in the order they came, also small ones that would fit', () => {
    const records = make(2 * recordBytes, 'wait');
    const first = add(records, 'one');
    const second = add(records, 'two');
    add(records, 'three hundred');
    add(records, '4');
    expect(values()).toEqual(['one', 'two']);
    succeed(first);
    expect(values()).toEqual(['one', 'two']);
    succeed(second);
    expect(values()).toEqual(['one', 'two', 'three hundred']);
    admitted[2]?.fail(new AppError('unavailable', 'x'));
    expect(values()).toEqual(['one', 'two', 'three hundred', '4']);
  });

  it('ends a record that waits for room at its deadline: nothing of it was written', async () => {
    const records = make(recordBytes, 'wait');
    const first = add(records, 'one');
    const late = add(records, 'two', 1_000);
    const patient = add(records, 'six', 60_000);
    await jest.advanceTimersByTimeAsync(1_030);
    await expect(late.placed).rejects.toMatchObject({ code: 'unavailable', outcome: undefined });
    succeed(first);
    expect(values()).toEqual(['one', 'six']);
    expect(patient.record.settled).toBe(false);
  });

  it('never admits a record whose time is over, when others end with it', async () => {
    const records = make(recordBytes, 'wait');
    add(records, 'one', 1_000);
    add(records, 'two', 1_000);
    await jest.advanceTimersByTimeAsync(1_030);
    expect([values(), expired]).toEqual([['one'], 2]);
  });

  it('is drained when the last record has its outcome', async () => {
    const records = make(1_000, 'reject');
    const only = add(records, 'abc');
    const drained = records.drained();
    succeed(only);
    await drained;
    await records.drained();
  });

  it('ends all that is left when it gives up', async () => {
    const records = make(recordBytes, 'wait');
    const all = [add(records, 'one'), add(records, 'two')];
    records.giveUp();
    expect((await Promise.allSettled(all.map(({ placed }) => placed))).map(({ status }) => status)).toEqual([
      'rejected',
      'rejected',
    ]);
  });
});
