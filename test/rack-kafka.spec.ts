import { freePorts } from '@tidegate/infra';
import { RangeReader, TailPool } from '@tidegate/kafka';
import { Heard, KafkaBench, until, valueOf } from './support/kafka-bench';
import { TcpProxy } from './support/tcp-proxy';

const fetchKey = 1;

describe('reading from the rack nearby', () => {
  let bench: KafkaBench;
  let proxies: TcpProxy[];
  /** Fetches that each broker was asked, by its node id; only our readers go through the proxies. */
  const fetches = new Map<number, number>();

  beforeAll(async () => {
    const ports = await freePorts(3);
    proxies = await Promise.all(
      ports.map((port, index) =>
        TcpProxy.start({ port }, ({ apiKey }) => {
          if (apiKey === fetchKey) fetches.set(index + 1, (fetches.get(index + 1) ?? 0) + 1);
          return { kind: 'pass' };
        }),
      ),
    );
    bench = await KafkaBench.start(3, ({ id, port, controllerPort }) => {
      const direct = `PLAINTEXT://127.0.0.1:${port}`;
      return {
        listeners: `${direct},PROXIED://127.0.0.1:${ports[id - 1]},CONTROLLER://127.0.0.1:${controllerPort}`,
        'advertised.listeners': `${direct},PROXIED://127.0.0.1:${proxies[id - 1]?.port}`,
        'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT',
        'broker.rack': `rack-${id}`,
        'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
      };
    });
  });

  afterAll(async () => {
    await bench.stop();
    await Promise.all(proxies.map((proxy) => proxy.close()));
  });

  it('asks the leader once and then the follower in its rack, and the leader again when the follower dies', async () => {
    const topic = await bench.topic(1);
    const [leader = 0] = await bench.leaders(topic);
    const nearby = (leader % 3) + 1;
    const options = {
      brokers: proxies.map(({ port }) => `127.0.0.1:${port}`),
      clientId: 'spec',
      rackId: `rack-${nearby}`,
    };
    const reader = bench.closed(new RangeReader(options, bench.deps));
    const pool = bench.closed(new TailPool(options, bench.deps));
    const producer = bench.producer();
    const write = (value: string) => producer.send({ topic, key: null, value });
    const read = async (offset: bigint) => (await reader.readRange(topic, 0, offset, 1_000)).records.map(valueOf);
    const readable = (offset: bigint) => async () => (await read(offset)).length > 0;

    await write('a');
    await until('the reader is sent to the follower, which has the record', readable(0n));
    const heard = new Heard();
    await pool.open(topic, heard);
    for (const value of ['b', 'c', 'd']) {
      await write(value);
      await until('the tail hears it', () => heard.values.includes(value));
    }
    fetches.clear();
    await write('e');
    await until('the tail hears it', () => heard.values.includes('e'));
    expect(await read(0n)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect([...fetches.keys()]).toEqual([nearby]);

    await bench.cluster.nodes[nearby - 1]?.kill();
    await write('f');
    await until('the tail hears it from the leader', () => heard.values.includes('f'));
    await until('the reader reads it from the leader', readable(5n));
    expect(fetches.get(leader)).toBeGreaterThan(0);
    expect(heard.values).toEqual(['b', 'c', 'd', 'e', 'f']);
    expect(heard.events.filter((event) => !['unavailable', 'available'].includes(event))).toEqual([]);
  });
});
