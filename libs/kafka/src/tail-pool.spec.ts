import { createLogger, Registry } from '@tidegate/telemetry';
import { fakeBroker, metadataOf, type FakeBroker } from './broker.fixture';
import { Cluster } from './cluster';
import { FetchLoop } from './fetch-loop';
import { KafkaHealth } from './health';
import { fetchAnswer, offsetsAnswer, readFetch } from './log.fixture';
import { encodeBatch } from './record-batch.fixture';
import { TailPool, type TailPoolOptions } from './tail-pool';
import type { TailListener } from './tail-topic';

const fetchKey = 1;
const offsetsKey = 2;

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe(TailPool.name, () => {
  let broker: FakeBroker;
  let pool: TailPool;
  let registry: Registry;
  let log: string[];

  const start = async (answerFetch: (asked: Buffer) => Buffer | undefined, options: Partial<TailPoolOptions> = {}) => {
    broker = await fakeBroker(({ apiKey, body }) => {
      if (apiKey === fetchKey) return answerFetch(body);
      return apiKey === offsetsKey ? offsetsAnswer(body, 0n, 0n) : metadataOf([broker.port]);
    });
    registry = new Registry();
    pool = new TailPool(
      { brokers: [`127.0.0.1:${broker.port}`], clientId: 'test', ...options },
      { logger: createLogger({ service: 'test', level: 'silent' }), registry },
    );
  };

  const listener: TailListener = {
    onRecords: (_partition, _records, next) => log.push(`heard to ${next}`),
    onReset: (reason) => log.push(reason),
    onPartitionAdded: () => log.push('added'),
    onDeleted: () => log.push('deleted'),
    onUnavailable: () => log.push('unavailable'),
    onAvailable: () => log.push('available'),
  };

  beforeEach(() => {
    log = [];
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await pool.close();
    broker.close();
  });

  const batchAt = (baseOffset: bigint): Buffer => encodeBatch([{ key: null, value: Buffer.from('v') }], { baseOffset });

  it('asks for more, and for no more than 2 MiB, only when all has been heard', async () => {
    const last = 20n;
    await start((asked) => {
      const { offset, maxBytes } = readFetch(asked);
      expect(maxBytes).toBe(2 * 1024 * 1024);
      return offset < last ? fetchAnswer({ records: batchAt(offset), highWatermark: last }) : undefined;
    });
    const send = jest.spyOn(Cluster.prototype, 'send');
    await pool.open('t', {
      ...listener,
      onRecords: (_partition, _records, next) => {
        const fetches = send.mock.calls.filter(([, { apiName }]) => apiName === 'Fetch').length;
        log.push(`${fetches} fetches, heard to ${next}`);
      },
    });
    await until(() => log.length === Number(last));
    expect(log).toEqual(
      Array.from({ length: Number(last) }, (_, index) => `${index + 1} fetches, heard to ${index + 1}`),
    );
  });

  it('shows in health and to listeners that its fetch loop died, and starts another', async () => {
    await start(() => fetchAnswer({}), { staleAfterMs: 100, metadataIntervalMs: 100 });
    const health = new KafkaHealth([pool]);
    const run = jest.spyOn(FetchLoop.prototype, 'run').mockRejectedValue(new Error('a mistake'));
    await pool.open('t', listener);
    await until(() => log.includes('unavailable'));
    expect(await health.check()).toMatchObject({
      ok: false,
      reason: expect.stringContaining('no fetch of t') as string,
    });
    run.mockRestore();
    await until(() => log.includes('available'));
    expect(await health.check()).toEqual({ ok: true });
  });

  it('measures how far it is behind and how old its metadata is, as long as it follows the topic', async () => {
    await start((asked) => {
      const { offset } = readFetch(asked);
      return offset === 0n ? fetchAnswer({ records: batchAt(0n), highWatermark: 8n }) : undefined;
    });
    const tail = await pool.open('t', listener);
    const metric = async (name: string) => (await registry.getSingleMetric(name)?.get())?.values ?? [];
    await until(async () => (await metric('kafka_tail_lag_records'))[0]?.value === 7);
    expect(await metric('kafka_tail_lag_records')).toEqual([{ labels: { topic: 't' }, value: 7 }]);
    expect((await metric('kafka_metadata_age_seconds'))[0]?.value).toBeLessThan(10);
    await tail.close();
    expect(await metric('kafka_tail_lag_records')).toEqual([]);
  });
});
