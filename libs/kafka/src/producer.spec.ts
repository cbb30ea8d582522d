import { AppError } from '@tidegate/errors';
import { createLogger, Registry } from '@tidegate/telemetry';
import fc from 'fast-check';
import { setTimeout as sleep } from 'node:timers/promises';
import { kafkaCodes } from './errors';
import { LogCluster, type Fault, type Try } from './log-cluster.fixture';
import { Producer, type Placement, type ProducerOptions } from './producer';

const logger = createLogger({ service: 'spec', level: 'silent' });

const outcomeOf = (sending: Promise<Placement>): Promise<string> =>
  sending.then(
    ({ partition, offset }) => `${partition}/${offset}`,
    (error: unknown) => {
      const { code, outcome } = AppError.from(error);
      return outcome === undefined ? code : `${code}, ${outcome}`;
    },
  );

/** The fault for the first try that `concerns` accepts, and none for others. */
const once = (
  fault: Fault,
  concerns: (attempt: Try) => boolean = () => true,
): ((attempt: Try) => Fault | undefined) => {
  let left = 1;
  return (attempt) => (left > 0 && concerns(attempt) && (left -= 1) === 0 ? fault : undefined);
};

describe(Producer.name, () => {
  let cluster: LogCluster;
  let producer: Producer;
  let registry: Registry;

  const start = async (leaders: number[], options: Partial<ProducerOptions> = {}): Promise<void> => {
    cluster = await LogCluster.start(leaders);
    registry = new Registry();
    producer = new Producer({ brokers: cluster.addresses, requestTimeoutMs: 500, ...options }, { logger, registry });
  };

  const send = (value: string, partition?: number, timeoutMs?: number): Promise<Placement> =>
    producer.send(
      { topic: 't', key: null, value, ...(partition === undefined ? {} : { partition }) },
      timeoutMs === undefined ? {} : { timeoutMs },
    );

  afterEach(async () => {
    cluster.close();
    await producer.close({ timeoutMs: 0 });
  });

  it('puts what several partitions of a broker have into one request', async () => {
    await start([1, 1, 2]);
    const sends = [send('a', 0), send('b', 1), send('c', 2), send('d', 1)];
    expect(await Promise.all(sends.map(outcomeOf))).toEqual(['0/0', '1/0', '2/0', '1/1']);
    expect(cluster.requests.map((partitions) => partitions.sort()).sort()).toEqual([[0, 1], [2]]);
  });

  it('lets the error of one partition touch no other of the same request', async () => {
    await start([1, 1, 1]);
    cluster.fault = (attempt) => {
      if (attempt.partition === 1) return { code: kafkaCodes.topicAuthorizationFailed };
      return attempt.partition === 2 && cluster.tries.length < 4 ? { code: kafkaCodes.notEnoughReplicas } : undefined;
    };
    const outcomes = await Promise.all([send('a', 0), send('b', 1), send('c', 2)].map(outcomeOf));
    expect(outcomes).toEqual(['0/0', 'upstream_failed', '2/0']);
    expect(cluster.requests).toEqual([[0, 1, 2], [2]]);
  });

  it('follows a partition to its new leader', async () => {
    await start([1, 2]);
    await send('a', 0);
    cluster.leaders = [2, 2];
    expect(await outcomeOf(send('b', 0))).toBe('0/1');
    expect(cluster.tries.map(({ node }) => node)).toEqual([1, 1, 2]);
  });

  it('gathers what is sent while a request is in flight', async () => {
    await start([1]);
    await send('first');
    const sends: Promise<Placement>[] = [];
    for (let index = 0; index < 200; index += 1) {
      sends.push(send(String(index)));
      await Promise.resolve();
    }
    await Promise.all(sends);
    expect(cluster.requests.length).toBeLessThan(10);
    expect(cluster.logs[0]?.slice(1)).toEqual(sends.map((_, index) => String(index)));
  });

  it.each([
    ['was written', true],
    ['was not', false],
  ])('writes once when the connection is cut and the batch %s', async (_, written) => {
    await start([1]);
    await send('before');
    cluster.fault = once({ written });
    expect(await Promise.all([send('a'), send('b')].map(outcomeOf))).toEqual(['0/1', '0/2']);
    expect(cluster.logs[0]).toEqual(['before', 'a', 'b']);
  });

  it('uses another connection for a partition whose replicas are behind, until they have caught up', async () => {
    await start([1, 1]);
    await Promise.all([send('a', 0), send('b', 1)]);
    cluster.fault = once({ code: kafkaCodes.requestTimedOut, written: true }, ({ partition }) => partition === 1);
    for (const value of ['c', 'd', 'e']) await send(value, 1);
    await send('f', 0);
    const [main, ...others] = cluster.tries.slice(1).map(({ connection }) => connection);
    expect(others.map((connection) => connection === main)).toEqual([true, false, false, true, true]);
    expect(cluster.logs[1]).toEqual(['b', 'c', 'd', 'e']);
  });

  it('ends a bad record alone when the broker names it', async () => {
    await start([1]);
    const recordErrors = [{ index: 1, message: 'it has no key' }];
    cluster.fault = once({ code: kafkaCodes.invalidRecord, recordErrors });
    const sends = [send('a'), send('bad'), send('c')];
    expect(await Promise.all(sends.map(outcomeOf))).toEqual(['0/0', 'invalid_argument', '0/1']);
    await expect(sends[1]).rejects.toThrow('it has no key');
  });

  it('ends a record for a partition that there is not alone', async () => {
    await start([1]);
    await send('a');
    expect(await Promise.all([send('b', 99), send('c', 0)].map(outcomeOf))).toEqual(['not_found', '0/1']);
  });

  it('asks again for a producer id while its coordinator is not ready', async () => {
    await start([1]);
    cluster.idErrors = [14, 15, 16];
    expect(await outcomeOf(send('a'))).toBe('0/0');
  });

  it('says what is missing when it may not write idempotently', async () => {
    await start([1]);
    cluster.idErrors = [31, 31];
    await expect(send('a')).rejects.toMatchObject({ code: 'upstream_failed', message: /IdempotentWrite/ });
    await expect(send('a')).rejects.toThrow('IdempotentWrite');
    expect(await outcomeOf(send('a'))).toBe('0/0');
  });

  it('keeps away from a broker for as long as it is told to', async () => {
    await start([1]);
    cluster.throttleMs = 200;
    await send('a');
    cluster.throttleMs = 0;
    const startedAtMs = Date.now();
    await send('b');
    expect(Date.now() - startedAtMs).toBeGreaterThanOrEqual(150);
  });

  it('is unavailable at the deadline when nothing left, and unknown when it may have been written', async () => {
    await start([1, 1]);
    await Promise.all([send('a', 0), send('b', 1)]);
    cluster.leaders = [-1, 1];
    cluster.fault = ({ partition }) => ({ code: partition === 0 ? kafkaCodes.notLeaderOrFollower : 7 });
    expect(await outcomeOf(send('c', 0, 150))).toBe('timeout, unknown');
    const outcomes = await Promise.all([send('c', 0, 150), send('d', 1, 150)].map(outcomeOf));
    expect(outcomes).toEqual(['unavailable', 'timeout, unknown']);
  });

  it('shuts out what it gave up: a late write cannot come behind the next record', async () => {
    await start([1]);
    await send('a');
    cluster.fault = () => ({ code: kafkaCodes.requestTimedOut });
    expect(await outcomeOf(send('given up', undefined, 100))).toBe('timeout, unknown');
    cluster.fault = () => undefined;
    expect(await outcomeOf(send('b'))).toBe('0/1');
    expect(cluster.logs[0]).toEqual(['a', 'b']);
  });

  it('lets callers wait for room, and serves them in order', async () => {
    await start([1], { whenFull: 'wait', maxQueueBytes: 200 });
    const sends = Array.from({ length: 50 }, (_, index) => send(String(index)));
    expect(await Promise.all(sends.map(outcomeOf))).toEqual(sends.map((_, index) => `0/${index}`));
    expect(Math.max(...cluster.tries.map(({ values }) => values.length))).toBeLessThan(6);
  });

  it('keeps a record that gets the room of another that expires before the topic is known', async () => {
    await start([1], { whenFull: 'wait', maxQueueBytes: 40 });
    cluster.awake = false;
    const hasty = outcomeOf(send('a', undefined, 100));
    const patient = outcomeOf(send('b'));
    expect(await hasty).toBe('unavailable');
    cluster.awake = true;
    expect(await patient).toBe('0/0');
  });

  it('rejects what there is no room for', async () => {
    await start([1], { maxQueueBytes: 80 });
    const outcomes = await Promise.all([send('1'), send('2'), send('3')].map(outcomeOf));
    expect(outcomes).toEqual(['0/0', '0/1', 'unavailable']);
  });

  it('ends everything when it is closed', async () => {
    await start([1]);
    await send('a');
    cluster.awake = false;
    const inFlight = outcomeOf(send('b'));
    await sleep(20);
    const waiting = outcomeOf(send('c'));
    await producer.close({ timeoutMs: 50 });
    expect([await inFlight, await waiting]).toEqual(['timeout, unknown', 'unavailable']);
    await expect(send('d')).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('counts batches, retries and errors', async () => {
    await start([1]);
    await send('a');
    cluster.fault = once({ code: kafkaCodes.notEnoughReplicas });
    await Promise.all([send('b'), send('c')]);
    const metrics = await registry.metrics();
    expect(metrics).toContain('kafka_batch_records_sum 3');
    expect(metrics).toContain('kafka_batch_records_count 2');
    expect(metrics).toContain('kafka_retries_total{client="producer"} 1');
    expect(metrics).toContain('kafka_errors_total{client="producer",kind="notEnoughReplicas"} 1');
    expect(metrics).toContain('kafka_queue_bytes 0');
  });

  const codes = fc.constantFrom(3, 6, 7, 19, 20, 45, 56, 59, undefined);
  const failing = fc
    .record({ code: codes, written: fc.boolean() })
    .map(({ code, written }) => ({ ...(code === undefined ? {} : { code }), written }));
  const faults = fc.array(fc.oneof(failing, failing, fc.constant(undefined)), { minLength: 4, maxLength: 12 });

  it('whatever fails: acknowledged records stand where they were said to, once and in order, unwritten ones nowhere', async () => {
    await start([1, 2, 1], { timeoutMs: 3_000 });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(faults, fc.integer({ min: 20, max: 400 }), async (script, timeoutMs) => {
        run += 1;
        const left = [...script];
        cluster.fault = (attempt) =>
          possible(left.shift(), cluster.logs[attempt.partition]?.includes(attempt.values[0] ?? ''));
        const values = Array.from({ length: 30 }, (_, index) => `${run}:${index}`);
        const sent: number[] = [];
        const sends = values.map(async (value, index) => {
          await sleep(index % 10);
          sent.push(index);
          return outcomeOf(send(value, index % 3, index % 4 === 0 ? timeoutMs : 3_000));
        });
        const outcomes = await Promise.all(sends);
        for (const [index, outcome] of outcomes.entries()) {
          const value = values[index] as string;
          const log = cluster.logs[index % 3] as string[];
          const times = log.filter((each) => each === value).length;
          const [partition, offset] = outcome.split('/').map(Number);
          if (offset !== undefined) expect([cluster.logs[partition as number]?.[offset], times]).toEqual([value, 1]);
          else if (outcome === 'unavailable') expect(times).toBe(0);
          else expect([outcome, times <= 1]).toEqual(['timeout, unknown', true]);
        }
        for (const partition of [0, 1, 2]) {
          const offsets = sent
            .map((index) => outcomes[index]?.split('/') ?? [])
            .filter(([at]) => Number(at) === partition);
          expect(offsets).toEqual([...offsets].sort(([, a], [, b]) => Number(a) - Number(b)));
        }
      }),
      { numRuns: 15 },
    );
  }, 60_000);
});

/** A broker that says that it wrote nothing has written nothing, now or before. */
function possible(fault: Fault | undefined, standsInLog = false): Fault | undefined {
  if (fault?.code === 45 || fault?.code === 59) return standsInLog ? undefined : { code: fault.code };
  return fault?.code === 19 ? { code: 19 } : fault;
}
