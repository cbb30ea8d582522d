import { AppError } from '@tidegate/errors';
import { NotSent } from './cluster';
import { KafkaErrorCode, kafkaCodes } from './errors';
import { PartitionQueue, type WriteBatch } from './partition-queue';
import { PendingRecord } from './pending-record';
import type { Placement } from './producer';

const limits = { maxRecords: 3, maxBytes: 1_000 };
const noHeaders = {};

function pending(value: string, { bytes = 10, timeoutMs = 60_000 } = {}): PendingRecord {
  const message = { key: null, value: Buffer.from(value), headers: noHeaders };
  const sending = { topic: 't', partition: undefined, message, bytes, deadlineMs: Date.now() + timeoutMs };
  return new PendingRecord(sending, () => undefined);
}

/** Writes into an array, after what the test lets each try do. */
function recordingWrite(tries: ((values: string[]) => void)[] = []): { log: string[][]; write: WriteBatch } {
  const log: string[][] = [];
  let offset = 0n;
  const write: WriteBatch = async (_, records, onSending) => {
    const values = records.map(({ message }) => String(message.value));
    onSending();
    await Promise.resolve();
    tries.shift()?.(values);
    log.push(values);
    const base = offset;
    offset += BigInt(values.length);
    return base;
  };
  return { log, write };
}

function fails(error: Error): () => void {
  return () => {
    throw error;
  };
}

function queueOver(write: WriteBatch): PartitionQueue {
  return new PartitionQueue({ topic: 't', partition: 2 }, limits, write);
}

function pushAll(queue: PartitionQueue, records: PendingRecord[]): Promise<PromiseSettledResult<Placement>[]> {
  records.forEach((record) => queue.push(record));
  return Promise.allSettled(records.map(({ acknowledged }) => acknowledged));
}

const codeOf = (result: PromiseSettledResult<Placement> | undefined): string =>
  result?.status === 'rejected' ? AppError.from(result.reason).code : 'ok';

describe(PartitionQueue.name, () => {
  it('gathers what is sent together, within its limits, and gives each record its own offset', async () => {
    const { log, write } = recordingWrite();
    const records = ['a', 'b', 'c', 'd'].map((value) => pending(value));
    const results = await pushAll(queueOver(write), records);
    expect(log).toEqual([['a', 'b', 'c'], ['d']]);
    expect(results.map((result) => result.status === 'fulfilled' && result.value)).toEqual(
      ['0', '1', '2', '3'].map((offset) => ({ topic: 't', partition: 2, offset })),
    );
  });

  it('limits a batch by bytes and lets one record of any size through', async () => {
    const { log, write } = recordingWrite();
    await pushAll(queueOver(write), [
      pending('a', { bytes: 600 }),
      pending('b', { bytes: 400 }),
      pending('c', { bytes: 2_000 }),
    ]);
    expect(log).toEqual([['a', 'b'], ['c']]);
  });

  it('has one batch in flight, and sends what came meanwhile as the next', async () => {
    let inFlight = 0;
    const log: number[] = [];
    const queue = queueOver(async (_, records) => {
      inFlight += 1;
      log.push(inFlight);
      await new Promise((resolve) => setTimeout(resolve, 5));
      inFlight -= 1;
      return BigInt(records.length);
    });
    const first = pushAll(queue, [pending('a')]);
    await new Promise((resolve) => setTimeout(resolve, 1));
    await Promise.all([first, pushAll(queue, [pending('b'), pending('c')])]);
    expect(log).toEqual([1, 1]);
  });

  it.each([
    ['no connection', new NotSent('no connection')],
    ['a leader that moved', new KafkaErrorCode(kafkaCodes.notLeaderOrFollower, 'x')],
    ['a broken connection', new Error('Closed connection')],
    ['too few replicas', new KafkaErrorCode(kafkaCodes.notEnoughReplicas, 'x')],
  ])('tries the same records again in the same order after %s', async (_, error) => {
    const { log, write } = recordingWrite([fails(error)]);
    const results = await pushAll(queueOver(write), [pending('a'), pending('b'), pending('c'), pending('d')]);
    expect(log).toEqual([['a', 'b', 'c'], ['d']]);
    expect(results.map(codeOf)).toEqual(['ok', 'ok', 'ok', 'ok']);
  });

  it('splits a refused batch until only the bad record is left, and keeps the order of the others', async () => {
    const refuse = (values: string[]): void => {
      if (values.includes('bad')) throw new KafkaErrorCode(kafkaCodes.messageTooLarge, 'x');
    };
    const { log, write } = recordingWrite(Array.from({ length: 5 }, () => refuse));
    const results = await pushAll(queueOver(write), [pending('a'), pending('bad'), pending('c')]);
    expect(results.map(codeOf)).toEqual(['ok', 'too_large', 'ok']);
    expect(log.flat()).toEqual(['a', 'c']);
  });

  it('never sends a record whose deadline passed while it waited', async () => {
    const { log, write } = recordingWrite([fails(new NotSent('no connection'))]);
    const results = await pushAll(queueOver(write), [pending('late', { timeoutMs: 5 }), pending('in time')]);
    expect(results.map(codeOf)).toEqual(['unavailable', 'ok']);
    expect(log).toEqual([['in time']]);
  });

  it('says that the outcome is unknown once a try ended without an answer', async () => {
    const { write } = recordingWrite([fails(new Error('Closed connection'))]);
    const [result] = await pushAll(queueOver(write), [pending('a', { timeoutMs: 5 })]);
    expect(result).toMatchObject({ status: 'rejected', reason: { code: 'timeout', outcome: 'unknown' } });
  });

  it('fails at once what can never succeed', async () => {
    const { write } = recordingWrite([fails(new AppError('not_found', 'no topic'))]);
    expect((await pushAll(queueOver(write), [pending('a')])).map(codeOf)).toEqual(['not_found']);
  });
});
