import { parseJson, stringifyJson, topics, type JsonObject } from '@tidegate/contracts';
import { freePorts, startRedis, type KafkaStartOptions, type LocalStore } from '@tidegate/infra';
import type { Producer } from '@tidegate/kafka';
import path from 'node:path';
import { hasStarted, startApp } from './app-process';
import type { Bff } from './house';
import { KafkaBench, until } from './kafka-bench';
import { LoopbackIssuer } from './loopback-issuer';

const root = path.resolve(__dirname, '../..');

/** A moment for whatever row needs one. */
export const at = '2026-01-01T00:00:00.000Z';

interface StreamHouseOptions {
  redis?: boolean;
  partitions?: number;
  /** Of the broker. */
  properties?: KafkaStartOptions['properties'];
}

export interface Page {
  records: JsonObject[];
  gone: unknown[][];
  cursor: string;
  gap: { reason: string } | null;
  /** Of a refusal. */
  code?: string;
}

/** Replicas of web before a real broker, with an issuer in the test's own process and Redis where it is asked for. */
export class StreamHouse {
  private readonly apps: Bff[] = [];
  private readonly producer: Producer;

  private constructor(
    readonly bench: KafkaBench,
    readonly issuer: LoopbackIssuer,
    private readonly redis: LocalStore | undefined,
  ) {
    this.producer = bench.producer();
  }

  static async start({
    redis = false,
    partitions = 2,
    properties = {},
  }: StreamHouseOptions = {}): Promise<StreamHouse> {
    const [bench, issuer, store] = await Promise.all([
      KafkaBench.start(1, properties),
      LoopbackIssuer.start(),
      redis ? startRedis() : undefined,
    ]);
    const house = new StreamHouse(bench, issuer, store);
    for (const topic of [topics.telemetry, topics.orders, topics.transactions, topics.audit]) {
      await bench.createTopic(topic, partitions);
    }
    return house;
  }

  get redisUrl(): string {
    return this.redis?.url ?? 'redis://127.0.0.1:1';
  }

  async startWeb(replica: string, own: Record<string, string> = {}): Promise<Bff> {
    const [port, opsPort] = (await freePorts(2)) as [number, number];
    const process = await startApp({
      app: 'web',
      replica,
      opsPort,
      until: this.redis === undefined ? 'serving' : 'ready',
      env: {
        WEB_PORT: String(port),
        WEB_OPS_PORT: String(opsPort),
        CATALOG_DIR: path.join(root, 'catalog'),
        WEB_CATALOG_DIR: path.join(root, 'apps/web/catalog'),
        KAFKA_BROKERS: this.bench.options.brokers.join(','),
        REDIS_URL: this.redisUrl,
        CURSOR_KEYS: Buffer.alloc(32, 7).toString('base64url'),
        ISSUER_URL: this.issuer.url,
        WEB_CLIENT_SECRET: 'not asked for here',
        LOG_LEVEL: 'warn',
        ...own,
      },
    });
    const bff = { url: `http://127.0.0.1:${port}`, opsUrl: `http://127.0.0.1:${opsPort}`, process };
    this.apps.push(bff);
    return bff;
  }

  send(topic: string, key: string, value: object): Promise<unknown> {
    return this.producer.send({ topic, key, value: stringifyJson(value) });
  }

  /** A frame of a device as the device door writes it: one record, a sample per number. */
  measure(tenantId: string, deviceId: string, numbers: readonly (number | string)[]): Promise<unknown> {
    return this.send(topics.telemetry, `${tenantId}/${deviceId}`, frame(tenantId, deviceId, numbers));
  }

  /** Redis is killed meanwhile, and comes back empty; every replica that still runs has it again afterwards. */
  async withoutRedis(work: () => Promise<void>): Promise<void> {
    await this.redis?.kill();
    try {
      await work();
    } finally {
      await this.redis?.start();
      await Promise.all(
        this.apps
          .filter(({ process }) => process.running)
          .map(({ opsUrl }) => until(`${opsUrl} has Redis again`, () => hasStarted(opsUrl, 'ready'))),
      );
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.apps.map(({ process }) => process.kill()));
    await Promise.all([this.bench.stop(), this.issuer.stop(), this.redis?.stop()]);
  }
}

/** A page of a stream, or why there is none. */
export async function readPage(
  { url }: Bff,
  stream: string,
  token: string,
  query: string,
): Promise<{ status: number; retryAfter: string | null; body: Page }> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${url}/streams/${stream}/records?${query}`, { headers });
  const body = parseJson(await response.text()) as unknown as Page;
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body };
}

export function frame(
  tenantId: string,
  deviceId: string,
  numbers: readonly (number | string)[],
): { tenantId: string; deviceId: string; samples: object[] } {
  const samples = numbers.map((v) => ({ ch: 'temperature', t: at, tReceived: at, tq: 'synced', v, u: 'Cel' }));
  return { tenantId, deviceId, samples };
}

/** The value of a metric of a replica, all its labels together. */
export async function metric({ opsUrl }: Bff, name: string, labels = ''): Promise<number> {
  const text = await (await fetch(`${opsUrl}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return lines.filter((line) => line.includes(labels)).reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}
