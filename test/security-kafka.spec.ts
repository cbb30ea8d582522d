import { ConsumerGroup, KafkaAdmin, Producer, RangeReader, TailPool, type KafkaOptions } from '@tidegate/kafka';
import { setTimeout as sleep } from 'node:timers/promises';
import { Heard, neverHopeless, until, valueOf } from './support/kafka-bench';
import { startSecuredKafka, unsecuredToken, type SecuredKafka } from './support/secured-kafka';

describe('a Kafka that asks who we are', () => {
  let kafka: SecuredKafka;

  beforeAll(async () => {
    kafka = await startSecuredKafka();
  });

  afterAll(() => kafka.bench.stop());

  const over = (listener: keyof SecuredKafka['listeners'], more: Partial<KafkaOptions>): KafkaOptions => ({
    brokers: [kafka.listeners[listener]],
    clientId: 'spec',
    ...more,
  });
  const plain = (user: string, password = `${user}-secret`) =>
    ({ mechanism: 'plain', username: user, password }) as const;
  const carol = { mechanism: 'scram-sha-256', username: 'carol', password: 'carol-secret' } as const;
  const dora = { mechanism: 'scram-sha-512', username: 'dora', password: 'dora-secret' } as const;
  const token = () => Promise.resolve(unsecuredToken('dave', 300));

  /** Writes a record, reads it, and follows the topic: every kind of connection of ours. */
  const useEveryClient = async (options: KafkaOptions): Promise<void> => {
    const { bench } = kafka;
    const topic = await bench.topic(1);
    const producer = bench.closed(new Producer(options, bench.deps));
    const heard = new Heard();
    await bench.closed(new TailPool(options, bench.deps)).open(topic, heard);
    const { offset } = await producer.send({ topic, key: null, value: 'x' }, { timeoutMs: 5_000 });
    const { records } = await bench.closed(new RangeReader(options, bench.deps)).readRange(topic, 0, 0n, 1_000);
    expect([offset, records.map(valueOf)]).toEqual(['0', ['x']]);
    await until('the tail hears it', () => heard.values.includes('x'));
    await bench.closed(new KafkaAdmin(options, bench.deps)).ensureTopics([{ topic: `${topic}-made`, partitions: 1 }]);
  };

  it('takes SASL PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 and OAUTHBEARER', async () => {
    await useEveryClient(over('sasl', { sasl: plain('alice') }));
    await useEveryClient(over('sasl', { sasl: carol }));
    await useEveryClient(over('sasl', { sasl: dora }));
    await useEveryClient(over('sasl', { sasl: { mechanism: 'oauthbearer', token } }));
  });

  it('takes SASL inside TLS, and mutual TLS', async () => {
    const { certificate: cert, key } = kafka.client;
    const ca = kafka.serverCertificate;
    await useEveryClient(over('saslTls', { ssl: { ca }, sasl: plain('bob') }));
    await useEveryClient(over('mutualTls', { ssl: { ca, cert, key } }));
  });

  const reasonFor = async (options: KafkaOptions): Promise<string> => {
    const reader = new RangeReader({ ...options, connectionTimeoutMs: 1_000, timeoutMs: 1_500 }, kafka.bench.deps);
    const failure: unknown = await reader.topic('t').catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'unavailable' });
    const health = await reader.check();
    await reader.close();
    return health.ok ? 'healthy' : health.reason;
  };

  it('is not reached with a wrong password, without a name, or by TLS that does not fit, and health says why', async () => {
    expect(await reasonFor(over('sasl', { sasl: plain('alice', 'wrong-secret') }))).toMatch(
      /^(?!.*wrong-secret).*authentication failed/i,
    );
    expect(await reasonFor(over('sasl', {}))).not.toBe('healthy');
    expect(await reasonFor(over('saslTls', { ssl: true, sasl: plain('bob') }))).toMatch(/certificate/);
    expect(await reasonFor(over('mutualTls', { ssl: { ca: kafka.serverCertificate } }))).not.toBe('healthy');
    const named = { ca: kafka.serverCertificate, servername: 'another.example' };
    expect(await reasonFor(over('saslTls', { ssl: named, sasl: plain('bob') }))).toMatch(/altnames|does not match/i);
  });

  it('keeps each client to its own name, though they were given the same options', async () => {
    const options = over('sasl', { sasl: plain('alice') });
    await useEveryClient(options);
    expect(options.sasl).toEqual(plain('alice'));
    const spread = { ...options, sasl: { ...options.sasl, ...plain('bob', 'wrong-secret') } };
    expect(await reasonFor(spread)).toMatch(/authentication failed/i);
  });

  it('ends a group whose login is refused for too long', async () => {
    const options = { ...over('sasl', { sasl: plain('alice', 'wrong-secret') }), hopelessAfterMs: 1_000 };
    const { deps } = kafka.bench;
    let refused: unknown;
    const onHopeless = (error: unknown) => {
      refused = error;
    };
    const onBatch = () => Promise.resolve();
    const group = new ConsumerGroup(options, { groupId: 'refused', topics: ['t'], onBatch, onHopeless, deps });
    await group.start();
    await until('it is hopeless', () => refused !== undefined);
    await group.stop();
    expect(refused).toMatchObject({ code: 'unavailable', message: 'Kafka refuses our login.' });
  });

  it('renews every session before the broker ends it, over more than the life of one', async () => {
    const { bench } = kafka;
    const topic = await bench.topic(1);
    const options = over('sasl', { sasl: plain('alice') });
    const producer = bench.closed(new Producer(options, bench.deps));
    const heard = new Heard();
    await bench.closed(new TailPool(options, bench.deps)).open(topic, heard);
    const seen: string[] = [];
    const group = new ConsumerGroup(options, {
      groupId: topic,
      topics: [topic],
      onBatch: (records) => Promise.resolve(void seen.push(...records.map(valueOf))),
      onHopeless: neverHopeless,
      deps: bench.deps,
    });
    await group.start();
    const sent: string[] = [];
    for (const endMs = Date.now() + 15_000; Date.now() < endMs; await sleep(250)) {
      const value = String(sent.length);
      await producer.send({ topic, key: null, value }, { timeoutMs: 5_000 });
      sent.push(value);
    }
    await until('everybody has everything', () => seen.length >= sent.length && heard.values.length >= sent.length);
    expect(heard.values).toEqual(sent);
    expect(heard.events).toEqual([]);
    expect([...new Set(seen)]).toEqual(sent);
    await group.stop();
  });
});
