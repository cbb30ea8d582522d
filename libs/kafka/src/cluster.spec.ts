import { createLogger } from '@tidegate/telemetry';
import { fakeBroker, metadataOf, type FakeBroker } from './broker.fixture';
import { ByteReader } from './byte-reader';
import { ByteWriter } from './byte-writer';
import { Cluster, NotSent } from './cluster';
import { MalformedBytes } from './errors';
import type { KafkaRequest } from './kafkajs-internals';
import { kafkaSettings } from './options';
import { TopicDirectory } from './topic-directory';

const logger = createLogger({ service: 'test', level: 'silent' });
const metadataKey = 3;
const echo: KafkaRequest<string> = {
  apiKey: 9,
  apiVersion: 0,
  apiName: 'Echo',
  body: Buffer.from('x'),
  decode: String,
};

describe(Cluster.name, () => {
  const brokers: FakeBroker[] = [];
  const clusters: Cluster[] = [];

  const broker = async (answer: (apiKey: number) => Buffer | undefined): Promise<FakeBroker> => {
    const started = await fakeBroker(({ apiKey }) => answer(apiKey));
    brokers.push(started);
    return started;
  };

  const clusterOf = (...ports: number[]): Cluster => {
    const options = { brokers: ports.map((port) => `127.0.0.1:${port}`), clientId: 'test' };
    const cluster = new Cluster(kafkaSettings(options, 500), logger);
    clusters.push(cluster);
    return cluster;
  };

  afterEach(async () => {
    for (const started of brokers.splice(0)) started.close();
    await Promise.all(clusters.splice(0).map((cluster) => cluster.close()));
  });

  it('asks the next broker when one is away', async () => {
    const alive: FakeBroker = await broker(() => metadataOf([alive.port]));
    const { brokers: known } = await clusterOf(1, alive.port).metadata(['t']);
    expect(known).toEqual([{ nodeId: 1, host: '127.0.0.1', port: alive.port }]);
  });

  it('is unavailable in time when nobody answers, says why in health only, and recovers', async () => {
    let frozen = true;
    const slow: FakeBroker = await broker(() => (frozen ? undefined : metadataOf([slow.port])));
    const cluster = clusterOf(slow.port);
    const startedAtMs = Date.now();
    const failure: unknown = await cluster.metadata(['t']).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'unavailable', message: 'Kafka is not reachable at the moment.' });
    expect(Date.now() - startedAtMs).toBeLessThan(1_000);
    expect(await cluster.probe()).toMatchObject({ ok: false });
    frozen = false;
    await cluster.metadata(['t']);
    expect(await cluster.probe()).toEqual({ ok: true });
  });

  it('does not hammer a broker that refuses its credentials', async () => {
    const [handshakeKey, authenticateKey] = [17, 36];
    const refusing = await broker((apiKey) => {
      if (apiKey === handshakeKey)
        return new ByteWriter()
          .int16(0)
          .array(['PLAIN'], () => undefined)
          .string('PLAIN')
          .finish();
      const authenticationFailed = 58;
      return apiKey === authenticateKey
        ? new ByteWriter().int16(authenticationFailed).string('no').int32(0).int64(0n).finish()
        : undefined;
    });
    const sasl = { mechanism: 'plain', username: 'u', password: 'p' } as const;
    const cluster = new Cluster(kafkaSettings({ brokers: [`127.0.0.1:${refusing.port}`], sasl }, 500), logger);
    clusters.push(cluster);
    for (let turn = 0; turn < 5; turn += 1) {
      await expect(cluster.metadata(['t'])).rejects.toMatchObject({ code: 'unavailable' });
    }
    expect(await cluster.probe()).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/authentication failed/i) as string,
    });
    expect(refusing.seen.filter(({ apiKey }) => apiKey === authenticateKey)).toHaveLength(1);
  });

  it('sends nothing to a node that it does not know', async () => {
    await expect(clusterOf(1).send(7, echo)).rejects.toBeInstanceOf(NotSent);
  });

  it('throws away a connection whose answers cannot be read, and takes it for no sign of life', async () => {
    const node: FakeBroker = await broker((apiKey) =>
      apiKey === metadataKey ? metadataOf([node.port]) : Buffer.from('x'),
    );
    const cluster = clusterOf(node.port);
    await cluster.metadata(['t']);
    const answeredAtMs = cluster.lastAnswerAtMs;
    const unreadable = { ...echo, decode: (bytes: Buffer) => new ByteReader(bytes).int64() };
    await new Promise((resolve) => setTimeout(resolve, 5));
    await expect(cluster.send(1, unreadable)).rejects.toBeInstanceOf(MalformedBytes);
    expect(cluster.lastAnswerAtMs).toBe(answeredAtMs);
    expect(await cluster.send(1, echo)).toBe('x');
    expect(node.seen.at(-1)?.connection).toBeGreaterThan(1);
  });

  it('connects again after a connection was cut', async () => {
    const node: FakeBroker = await broker((apiKey) =>
      apiKey === metadataKey ? metadataOf([node.port]) : Buffer.from('echo'),
    );
    const cluster = clusterOf(node.port);
    await cluster.metadata(['t']);
    expect(await cluster.send(1, echo)).toBe('echo');
    node.cut();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await cluster.send(1, echo)).toBe('echo');
  });

  it('does not connect any more once it is closed', async () => {
    const node: FakeBroker = await broker(() => metadataOf([node.port]));
    const cluster = clusterOf(node.port);
    await cluster.metadata(['t']);
    await cluster.close();
    await expect(cluster.send(1, echo)).rejects.toBeInstanceOf(NotSent);
  });

  describe(TopicDirectory.name, () => {
    it('asks once for many callers, and again when the answer is old', async () => {
      const node: FakeBroker = await broker(() => metadataOf([node.port]));
      const directory = new TopicDirectory(clusterOf(node.port), 60_000);
      await Promise.all([directory.lookup('t'), directory.lookup('t'), directory.refresh('t')]);
      await directory.lookup('t');
      expect(node.seen).toHaveLength(1);
      await directory.lookup('t', -1);
      expect(node.seen).toHaveLength(2);
    });

    it('gives a topic that was just made a moment before it is not found', async () => {
      let asked = 0;
      const node: FakeBroker = await broker(() => metadataOf([node.port], (asked += 1) < 3 ? 3 : 0));
      const directory = new TopicDirectory(clusterOf(node.port), 60_000);
      expect((await directory.lookup('t')).partitions).toHaveLength(1);
      asked = -10;
      await expect(directory.refresh('t')).rejects.toMatchObject({ code: 'not_found' });
      expect(directory.known('t')).toBeUndefined();
    });
  });
});
