import { AppError } from '@tidegate/errors';
import { Registry } from '@tidegate/telemetry';
import type { Cluster } from './cluster';
import { kafkaCodes } from './errors';
import { kafkaMetrics } from './metrics';
import { PartitionQueue, type Next } from './partition-queue';
import { sent, type Sent } from './pending.fixture';
import type { PartitionAnswer } from './produce';
import { ProducerIds } from './producer-ids';
import { decodeRecordSet } from './record-batch';

interface Tried {
  producerId: bigint;
  epoch: number;
  sequence: number;
  values: string[];
}

/** Codes after which the batch may stand in the log. */
const unclearCodes = [-1, 3, 5, 6, 7, 8, 9, 13, 20, 56, 74, 75, 999];
/** Codes after which nothing was written and it works again. */
const passingCodes = [kafkaCodes.corruptMessage, kafkaCodes.notEnoughReplicas];
const epochCodes = [kafkaCodes.outOfOrderSequence, kafkaCodes.unknownProducerId];

function triedOf(batch: Buffer): Tried {
  const place = { topic: 't', partition: 2, from: 0n, aborted: [], maxInflatedBytes: 1_000_000 };
  return {
    producerId: batch.readBigInt64BE(43),
    epoch: batch.readInt16BE(51),
    sequence: batch.readInt32BE(53),
    values: decodeRecordSet(batch, place).records.map(({ value }) => String(value)),
  };
}

describe(PartitionQueue.name, () => {
  let ids: ProducerIds;
  let queue: PartitionQueue;
  let ready: number;
  let end: bigint;

  const make = (maxBatchBytes = 1_000_000): void => {
    queue = new PartitionQueue('t', 2, {
      compression: 'none',
      maxBatchBytes,
      fullBytes: 500,
      ids,
      metrics: kafkaMetrics(new Registry()),
      onReady: () => (ready += 1),
    });
  };

  const push = (...values: string[]): Sent[] => values.map((value) => pushFor(value, 60_000));
  const pushFor = (value: string, timeoutMs: number): Sent => {
    const made = sent({ value }, timeoutMs);
    queue.push(made.record);
    return made;
  };

  const attempt = (): Tried => {
    const batch = queue.seal(Date.now());
    if (!batch) throw new Error('nothing to send');
    return triedOf(batch);
  };

  const answer = (errorCode: number, change: Partial<PartitionAnswer> = {}): Next => {
    const plain = { topic: 't', partition: 2, errorCode, baseOffset: -1n, recordErrors: [], errorMessage: null };
    const next = queue.onAnswer({ ...plain, ...change }, Date.now());
    if (next === 'later') queue.resume();
    return next;
  };

  const acknowledge = (count: number): Next => {
    const baseOffset = end;
    end += BigInt(count);
    return answer(0, { baseOffset });
  };

  const outcomeOf = ({ placed }: Sent): Promise<string> =>
    placed.then(
      ({ offset }) => offset,
      (error: unknown) => {
        const { code, outcome } = AppError.from(error);
        return outcome === undefined ? code : `${code}, ${outcome}`;
      },
    );
  const outcomesOf = (records: Sent[]): Promise<string[]> => Promise.all(records.map(outcomeOf));
  const letExpire = (): void => {
    jest.setSystemTime(Date.now() + 60_000);
    queue.sweep(Date.now());
  };

  beforeEach(() => {
    jest.useFakeTimers();
    ids = new ProducerIds({} as Cluster);
    ids.current = { producerId: 7n, epoch: 0 };
    ready = 0;
    end = 40n;
    make();
  });

  afterEach(() => jest.useRealTimers());

  it('sends what has gathered as one batch, numbers its records, and gives each its own offset', async () => {
    const first = push('a', 'b');
    expect(attempt()).toEqual({ producerId: 7n, epoch: 0, sequence: 0, values: ['a', 'b'] });
    const second = push('c');
    expect(acknowledge(2)).toBe('ready');
    expect(attempt()).toMatchObject({ epoch: 0, sequence: 2, values: ['c'] });
    expect(acknowledge(1)).toBe('idle');
    expect(await outcomesOf([...first, ...second])).toEqual(['40', '41', '42']);
  });

  it('lets go of records that expire behind a batch that is tried for long', async () => {
    push('patient');
    attempt();
    const bytes = queue.bytes;
    const hasty = pushFor('hasty', 1_000);
    pushFor('waiting', 30_000);
    jest.setSystemTime(Date.now() + 1_000);
    queue.sweep(Date.now());
    expect(await outcomeOf(hasty)).toBe('unavailable');
    expect(queue.unbatchedBytes).toBe(bytes);
    acknowledge(1);
    expect(attempt().values).toEqual(['waiting']);
    acknowledge(1);
    expect(queue.bytes).toBe(0);
  });

  it('has one batch in flight', () => {
    push('a');
    attempt();
    push('b');
    expect(queue.seal(Date.now())).toBeUndefined();
    acknowledge(1);
    expect(attempt().values).toEqual(['b']);
  });

  it('asks to be served once, and again when it becomes full', () => {
    push('a', 'b');
    expect(ready).toBe(1);
    push('x'.repeat(500), 'x'.repeat(500));
    expect(ready).toBe(2);
    attempt();
    push('x'.repeat(500));
    expect(ready).toBe(2);
  });

  it('limits a batch by bytes and lets one record of any size through', () => {
    make(100);
    push('a', 'b', 'c', 'x'.repeat(500));
    expect(attempt().values).toEqual(['a', 'b']);
    acknowledge(2);
    expect(attempt().values).toEqual(['c']);
    acknowledge(1);
    expect(attempt().values).toHaveLength(1);
  });

  it('gives offsets beyond 2^53 exactly', async () => {
    const records = push('a', 'b');
    attempt();
    answer(0, { baseOffset: 2n ** 53n });
    expect(await outcomesOf(records)).toEqual(['9007199254740992', '9007199254740993']);
  });

  it('begins sequences again at 0 behind 2^31 − 1', () => {
    push('a');
    attempt();
    acknowledge(1);
    Object.assign(queue['numbering'], { nextSequence: 2 ** 31 - 2 });
    push('b', 'c', 'd');
    expect(attempt().sequence).toBe(2 ** 31 - 2);
    acknowledge(3);
    push('e');
    expect(attempt().sequence).toBe(1);
  });

  describe('after a try that may have been written', () => {
    it.each(unclearCodes)('sends the same bytes again (%p)', async (code) => {
      const records = [...push('a'), pushFor('late', 10)];
      const first = attempt();
      expect(answer(code)).toBe('later');
      push('b');
      jest.setSystemTime(Date.now() + 20);
      expect(attempt()).toEqual(first);
      acknowledge(2);
      expect(await outcomesOf(records)).toEqual(['40', 'timeout, unknown']);
      expect(attempt()).toMatchObject({ epoch: 0, sequence: 2, values: ['b'] });
    });

    it('sends the same bytes again when no answer came', () => {
      push('a');
      const first = attempt();
      expect(queue.onNoAnswer('maybe')).toBe('later');
      queue.resume();
      push('b');
      expect(attempt()).toEqual(first);
    });

    it('keeps the bytes through later tries that were surely refused', () => {
      push('a');
      pushFor('late', 10);
      const first = attempt();
      answer(kafkaCodes.requestTimedOut);
      attempt();
      answer(kafkaCodes.notEnoughReplicas);
      jest.setSystemTime(Date.now() + 20);
      expect(attempt()).toEqual(first);
    });

    it('takes a duplicate for success, at an offset that it does not make up', async () => {
      const records = push('a', 'b');
      attempt();
      answer(kafkaCodes.requestTimedOut);
      attempt();
      answer(kafkaCodes.duplicateSequence);
      expect(await outcomesOf(records)).toEqual(['-1', '-1']);
      push('c');
      expect(attempt()).toMatchObject({ epoch: 0, sequence: 2 });
    });

    it('abandons a batch that nobody waits for, and shuts it out by a new epoch', async () => {
      const records = push('a', 'b');
      attempt();
      answer(kafkaCodes.requestTimedOut);
      letExpire();
      expect(await outcomesOf(records)).toEqual(['timeout, unknown', 'timeout, unknown']);
      push('c');
      expect(attempt()).toEqual({ producerId: 7n, epoch: 1, sequence: 0, values: ['c'] });
    });

    it('needs no new epoch when the answer comes after all', async () => {
      const records = push('a');
      attempt();
      letExpire();
      acknowledge(1);
      push('b');
      expect(attempt()).toMatchObject({ epoch: 0, sequence: 1, values: ['b'] });
      expect(await outcomesOf(records)).toEqual(['timeout, unknown']);
    });

    it('tells of a refusal that nobody knows whether an earlier try was written', async () => {
      const records = push('a', 'b');
      attempt();
      answer(kafkaCodes.requestTimedOut);
      attempt();
      answer(kafkaCodes.topicAuthorizationFailed);
      expect(await outcomesOf(records)).toEqual(['upstream_failed, unknown', 'upstream_failed, unknown']);
      push('c');
      expect(attempt()).toMatchObject({ epoch: 1, sequence: 0 });
    });

    it('ends a bad record alone all the same', async () => {
      const records = push('a', 'bad');
      attempt();
      answer(kafkaCodes.notLeaderOrFollower);
      attempt();
      answer(kafkaCodes.messageTooLarge);
      expect(attempt()).toMatchObject({ epoch: 0, sequence: 0, values: ['a'] });
      acknowledge(1);
      attempt();
      answer(kafkaCodes.messageTooLarge);
      expect(await outcomesOf(records)).toEqual(['40', 'too_large']);
    });
  });

  describe('after a try that was surely not written', () => {
    it.each(passingCodes)('makes the batch anew from who still waits, under the same sequence (%p)', async (code) => {
      const late = pushFor('late', 10);
      const [a] = push('a');
      expect(attempt()).toMatchObject({ sequence: 0, values: ['late', 'a'] });
      expect(answer(code)).toBe('later');
      jest.setSystemTime(Date.now() + 20);
      expect(attempt()).toMatchObject({ epoch: 0, sequence: 0, values: ['a'] });
      acknowledge(1);
      expect(await outcomesOf([late, a as Sent])).toEqual(['unavailable', '40']);
    });

    it('does the same when nothing left this process', () => {
      pushFor('late', 10);
      push('a');
      attempt();
      queue.onNoAnswer('no');
      queue.resume();
      jest.setSystemTime(Date.now() + 20);
      expect(attempt()).toMatchObject({ epoch: 0, sequence: 0, values: ['a'] });
    });

    it('never sends a record whose deadline passed while it waited', async () => {
      const late = pushFor('late', 10);
      push('a');
      jest.setSystemTime(Date.now() + 20);
      expect(attempt().values).toEqual(['a']);
      expect(await outcomeOf(late)).toBe('unavailable');
    });

    it('drops a batch that nobody waits for without a new epoch', () => {
      pushFor('late', 10);
      attempt();
      answer(kafkaCodes.notEnoughReplicas);
      jest.setSystemTime(Date.now() + 20);
      push('a');
      expect(attempt()).toMatchObject({ epoch: 0, sequence: 0, values: ['a'] });
    });
  });

  describe('when the broker does not know where this producer is', () => {
    it.each(epochCodes)('sends the same records under a new epoch (%p)', async (code) => {
      push('a');
      attempt();
      acknowledge(1);
      const records = push('b', 'c');
      attempt();
      expect(answer(code)).toBe('later');
      push('d');
      expect(attempt()).toEqual({ producerId: 7n, epoch: 1, sequence: 0, values: ['b', 'c'] });
      acknowledge(2);
      expect(await outcomesOf(records)).toEqual(['41', '42']);
      expect(attempt()).toMatchObject({ epoch: 1, sequence: 2, values: ['d'] });
    });

    it.each([kafkaCodes.invalidProducerEpoch, kafkaCodes.producerFenced])('takes a new id when fenced (%p)', (code) => {
      push('a');
      attempt();
      answer(code);
      expect(queue.needsProducerId).toBe(true);
      ids.current = { producerId: 8n, epoch: 0 };
      expect(attempt()).toEqual({ producerId: 8n, epoch: 0, sequence: 0, values: ['a'] });
    });

    it('takes a new id when the epochs are used up, and leaves the others theirs', () => {
      push('a');
      attempt();
      Object.assign(queue['numbering'], { epoch: 32_766 });
      answer(kafkaCodes.outOfOrderSequence);
      expect(attempt()).toMatchObject({ producerId: 7n, epoch: 32_767 });
      answer(kafkaCodes.outOfOrderSequence);
      expect(queue.needsProducerId).toBe(true);
      ids.current = { producerId: 8n, epoch: 0 };
      expect(attempt()).toMatchObject({ producerId: 8n, epoch: 0, sequence: 0 });
    });
  });

  describe('when records are refused', () => {
    it('ends those that the broker names, and sends the rest under the same sequence', async () => {
      const records = push('a', 'bad', 'c');
      attempt();
      const recordErrors = [{ index: 1, message: 'has no key' }];
      expect(answer(kafkaCodes.invalidRecord, { recordErrors })).toBe('ready');
      expect(attempt()).toMatchObject({ epoch: 0, sequence: 0, values: ['a', 'c'] });
      acknowledge(2);
      expect(await outcomesOf(records)).toEqual(['40', 'invalid_argument', '41']);
    });

    it.each([
      ['too_large', kafkaCodes.messageTooLarge],
      ['too_large', kafkaCodes.recordListTooLarge],
      ['invalid_argument', kafkaCodes.invalidRecord],
      ['invalid_argument', kafkaCodes.invalidTimestamp],
    ])('halves until the bad one stands alone where none is named (%s, %p)', async (kind, code) => {
      const records = push('a', 'bad', 'c', 'd', 'e');
      const written: string[] = [];
      for (let tries = 0; queue.bytes > 0; tries += 1) {
        const { values } = attempt();
        if (values.includes('bad')) answer(code);
        else {
          written.push(...values);
          acknowledge(values.length);
        }
        expect(tries).toBeLessThan(20);
      }
      expect(written).toEqual(['a', 'c', 'd', 'e']);
      expect(await outcomesOf(records)).toEqual(['40', kind, '41', '42', '43']);
    });

    it('halves when the broker names a record that is not there', () => {
      push('a', 'b');
      attempt();
      answer(kafkaCodes.invalidRecord, { recordErrors: [{ index: 9, message: null }] });
      expect(attempt().values).toEqual(['a']);
    });

    it('makes batches as small as the topic wants them, and larger again when it takes more', () => {
      const values = Array.from({ length: 100 }, (_, index) => String(index));
      push(...values);
      const sizes: number[] = [];
      while (queue.bytes > 0) {
        const tried = attempt().values.length;
        if (tried > 20) answer(kafkaCodes.messageTooLarge);
        else {
          sizes.push(tried);
          acknowledge(tried);
        }
      }
      expect(sizes.slice(0, 2)).toEqual([12, 13]);
      expect(Math.max(...sizes)).toBeGreaterThan(15);
    });

    it.each([
      ['upstream_failed', 29],
      ['upstream_failed', 31],
      ['not_found', 17],
    ])('ends all with %s when the topic refuses them (%p)', async (kind, code) => {
      const records = push('a', 'b');
      attempt();
      expect(answer(code)).toBe('idle');
      expect(await outcomesOf(records)).toEqual([kind, kind]);
      push('c');
      expect(attempt()).toMatchObject({ epoch: 0, sequence: 0 });
    });
  });

  it('ends everything when the topic is gone', async () => {
    const inFlight = push('a');
    attempt();
    const waiting = push('b');
    queue.fail(new AppError('not_found', 'gone'));
    expect(await outcomesOf([...inFlight, ...waiting])).toEqual(['not_found', 'not_found']);
  });
});
