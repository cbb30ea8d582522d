import { ConsumerGroup, KafkaHealth, Producer, RangeReader, TailPool } from '@tidegate/kafka';
import { OpsServer } from '@tidegate/telemetry';
import { setTimeout as sleep } from 'node:timers/promises';
import { Heard, KafkaBench, neverHopeless, until, valueOf } from './support/kafka-bench';

/** What libs/kafka/README.md promises: a client of the log sees within this that Kafka is gone, and that it is back. */
const noticedMs = 10_000;
const groupNoticedMs = 20_000;
const backMs = 20_000;
const stoppedMs = 8_000;

type CheckName = 'clients' | 'group';

interface Readiness {
  status: number;
  checks: Record<CheckName, { ok: boolean; reason?: string }>;
}

/** A process as an orchestrator sees it: every client of Kafka, and the port that says how it is. */
class Process {
  readonly heard = new Heard();
  readonly seen: string[] = [];
  /** What the group's work does with each batch. */
  work: () => Promise<void> = () => Promise.resolve();
  private readonly ops: OpsServer;
  private readonly group: ConsumerGroup;
  private readonly tails: TailPool;
  private url = '';
  private stopped = false;

  constructor(
    bench: KafkaBench,
    private readonly topic: string,
    groupId: string,
  ) {
    const { deps, options } = bench;
    const producer = bench.closed(new Producer(options, deps));
    const reader = bench.closed(new RangeReader(options, deps));
    this.tails = bench.closed(new TailPool(options, deps));
    this.group = new ConsumerGroup(options, {
      ...{ groupId, topics: [topic], deps, onHopeless: neverHopeless },
      onBatch: async (records) => {
        await this.work();
        this.seen.push(...records.map(valueOf));
      },
    });
    const checks = [
      new KafkaHealth([producer, reader, this.tails], { name: 'clients' }),
      new KafkaHealth([this.group], { name: 'group' }),
    ];
    this.ops = new OpsServer({ host: '127.0.0.1', port: 0, registry: deps.registry, checks, logger: deps.logger });
  }

  async start(): Promise<void> {
    this.url = `http://127.0.0.1:${await this.ops.start()}`;
    await this.group.start();
    void this.follow();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.group.stop();
    await this.ops.close();
  }

  async readiness(): Promise<Readiness> {
    const response = await fetch(`${this.url}/readyz`);
    const { checks } = (await response.json()) as Pick<Readiness, 'checks'>;
    return { status: response.status, checks };
  }

  /** By client, as its metrics say. */
  async connections(): Promise<Record<string, number>> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const lines = text.matchAll(/^kafka_connections\{client="(\w+)"\} (\d+)$/gm);
    return Object.fromEntries([...lines].map(([, client = '', count]) => [client, Number(count)]));
  }

  async isLive(): Promise<boolean> {
    return (await fetch(`${this.url}/livez`)).status === 200;
  }

  async until(name: CheckName, ok: boolean, timeoutMs: number): Promise<void> {
    const is = async () => (await this.readiness()).checks[name].ok === ok;
    await until(`the check of ${name} is ${ok}`, is, timeoutMs);
  }

  /** As apps do: a topic that cannot be followed yet is followed later. */
  private async follow(): Promise<void> {
    const followed = () => this.tails.open(this.topic, this.heard).then(Boolean, () => this.stopped);
    while (!(await followed())) await sleep(100);
  }
}

describe('the health of a process that lives on Kafka', () => {
  let bench: KafkaBench;
  let topic: string;
  let producer: Producer;
  const processes: Process[] = [];

  const start = async (groupId: string): Promise<Process> => {
    const started = new Process(bench, topic, groupId);
    processes.push(started);
    await started.start();
    return started;
  };

  const untilReady = async (checked: Process): Promise<void> => {
    const ready = async () => (await checked.readiness()).status === 200;
    await until('it is ready', ready, backMs);
    expect((await checked.readiness()).checks).toMatchObject({ clients: { ok: true }, group: { ok: true } });
  };

  /** Every check fails within its bound and says why, while the process counts as live. */
  const untilNotReady = async (checked: Process): Promise<void> => {
    await Promise.all([
      checked.until('clients', false, noticedMs).then(async () => expect((await checked.readiness()).status).toBe(503)),
      checked.until('group', false, groupNoticedMs),
    ]);
    const { status, checks } = await checked.readiness();
    expect(status).toBe(503);
    for (const { reason } of Object.values(checks)) expect(reason).toMatch(/\w{3}/);
    expect(await checked.isLive()).toBe(true);
  };

  const untilServed = async (value: string): Promise<void> => {
    await producer.send({ topic, key: null, value }, { timeoutMs: backMs });
    const served = ({ heard, seen }: Process) => heard.values.includes(value) && seen.includes(value);
    await until(`${value} is read by all`, () => processes.every(served));
  };

  beforeAll(async () => {
    bench = await KafkaBench.start();
    topic = await bench.topic(1);
    producer = bench.producer();
  });

  afterAll(async () => {
    await Promise.all(processes.map((each) => each.stop()));
    await bench.stop();
  });

  it('is ready when all is well, and counts its connections', async () => {
    await untilReady(await start('first'));
    await untilServed('at first');
    const [running] = processes as [Process];
    expect(await running.connections()).toEqual({ group: 2, producer: 2, range: 2, tail: 2 });
  });

  it('is not ready while Kafka is dead or was never there, and heals by itself', async () => {
    const [running] = processes as [Process];
    await bench.node.kill();
    const early = await start('second');
    await Promise.all([running, early].map(untilNotReady));
    await bench.node.restart();
    await Promise.all([running, early].map(untilReady));
    await untilServed('after the crash');
  }, 90_000);

  it('is not ready while Kafka is frozen, and heals by itself', async () => {
    await bench.node.pause();
    await Promise.all(processes.map(untilNotReady));
    const startedAtMs = Date.now();
    await processes.pop()?.stop();
    // Kafka is told nothing in this time, so that the orchestrator need not wait for it.
    expect(Date.now() - startedAtMs).toBeLessThan(stoppedMs);
    await bench.node.resume();
    await Promise.all(processes.map(untilReady));
    await untilServed('after the frost');
  }, 90_000);

  it('is not ready while the work of its group fails', async () => {
    const [failing] = processes as [Process];
    failing.work = () => Promise.reject(new Error('the database is away'));
    await producer.send({ topic, key: null, value: 'unwanted' });
    await failing.until('group', false, noticedMs);
    expect((await failing.readiness()).checks.group.reason).toContain('the database is away');
    failing.work = () => Promise.resolve();
    await untilReady(failing);
    expect(failing.seen).toContain('unwanted');
  });
});
