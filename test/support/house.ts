import {
  freePorts,
  startKafka,
  startPostgres,
  startRedis,
  type KafkaCluster,
  type LocalServer,
  type LocalStore,
} from '@tidegate/infra';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startApp } from './app-process';
import { PartnerKeys } from './partner-keys';

const catalogDirectory = path.resolve(__dirname, '../../catalog');

/** One replica of a BFF. */
export interface Bff {
  url: string;
  opsUrl: string;
  process: LocalServer;
}

/** The whole system on free ports: real servers, the demo services on their real data, and as many BFFs as a test asks for. */
export class House {
  private readonly apps: LocalServer[] = [];
  private readonly clientSecret = randomBytes(16).toString('hex');
  private readonly cursorKeys = randomBytes(32).toString('base64url');
  /** Of partners; every replica reads it again by itself. */
  readonly apiKeys: PartnerKeys;

  private constructor(
    readonly kafka: KafkaCluster,
    readonly redis: LocalStore,
    readonly postgres: LocalStore,
    private readonly localDirectory: string,
    private readonly ports: { issuer: number; customers: number; orders: number; accounts: number; ops: number },
  ) {
    this.apiKeys = new PartnerKeys(localDirectory);
  }

  static async start(): Promise<House> {
    const [kafka, redis, postgres] = await Promise.all([startKafka(), startRedis(), startPostgres()]);
    const [issuer, customers, orders, accounts, ops] = (await freePorts(5)) as [number, number, number, number, number];
    const localDirectory = mkdtempSync(path.join(tmpdir(), 'tidegate-house-'));
    const house = new House(kafka, redis, postgres, localDirectory, { issuer, customers, orders, accounts, ops });
    try {
      await house.startDemo();
    } catch (error) {
      await house.stop();
      throw error;
    }
    return house;
  }

  get issuerUrl(): string {
    return `http://127.0.0.1:${this.ports.issuer}`;
  }

  /** The address of one of the demo services. */
  serviceUrl(service: 'customers' | 'orders' | 'accounts'): string {
    return `http://127.0.0.1:${this.ports[service]}`;
  }

  /** One more replica of the mobile BFF. */
  startMobile(replica: string, until?: 'ready' | 'live', env?: Record<string, string>): Promise<Bff> {
    return this.startBff('mobile', replica, until, env);
  }

  /** One more replica of the web BFF. */
  startWeb(replica: string, until?: 'ready' | 'live'): Promise<Bff> {
    return this.startBff('web', replica, until);
  }

  /** One more replica of the partner BFF. */
  startPartner(replica: string, until?: 'ready' | 'live', env?: Record<string, string>): Promise<Bff> {
    return this.startBff('partner', replica, until, {
      API_KEYS_FILE: this.apiKeys.file,
      API_KEYS_PEPPER: this.apiKeys.pepper,
      API_KEYS_ENVIRONMENT: 'test',
      ...env,
    });
  }

  /** A token of the development issuer: `{ role: 'customer', subject: '13' }`. */
  async token(identity: { role: string; subject?: string; tenant?: string }): Promise<string> {
    const response = await fetch(`${this.issuerUrl}/dev/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(identity),
    });
    if (!response.ok) throw new Error(`the issuer answered ${response.status}: ${await response.text()}`);
    return ((await response.json()) as { access_token: string }).access_token;
  }

  /** Places an order as the shop does, and answers its id once the service has it. */
  async placeOrder(customerId: string, serviceToken: string): Promise<string> {
    const response = await fetch(`${this.serviceUrl('orders')}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${serviceToken}` },
      body: JSON.stringify({ customerId, lines: [{ sku: '1082185', quantity: 1 }] }),
    });
    if (response.status !== 201) throw new Error(`order refused: ${response.status} ${await response.text()}`);
    return ((await response.json()) as { orderId: string }).orderId;
  }

  async stop(): Promise<void> {
    await Promise.all(this.apps.map((app) => app.kill()));
    await Promise.all([this.kafka.stop(), this.redis.stop(), this.postgres.stop()]);
    rmSync(this.localDirectory, { recursive: true, force: true });
  }

  private async startBff(
    app: 'mobile' | 'web' | 'partner',
    replica: string,
    until: 'ready' | 'live' = 'ready',
    own: Record<string, string> = {},
  ): Promise<Bff> {
    const [port, opsPort] = (await freePorts(2)) as [number, number];
    const prefix = app.toUpperCase();
    const process = await startApp({
      app,
      replica,
      opsPort,
      until,
      env: {
        [`${prefix}_PORT`]: String(port),
        [`${prefix}_OPS_PORT`]: String(opsPort),
        [`${prefix}_CLIENT_SECRET`]: this.clientSecret,
        CATALOG_DIR: catalogDirectory,
        KAFKA_BROKERS: this.kafka.brokers.join(','),
        REDIS_URL: this.redis.url,
        CURSOR_KEYS: this.cursorKeys,
        ISSUER_URL: this.issuerUrl,
        CUSTOMERS_URL: this.serviceUrl('customers'),
        ORDERS_URL: this.serviceUrl('orders'),
        ACCOUNTS_URL: this.serviceUrl('accounts'),
        LOG_LEVEL: 'warn',
        ...own,
      },
    });
    this.apps.push(process);
    return { url: `http://127.0.0.1:${port}`, opsUrl: `http://127.0.0.1:${opsPort}`, process };
  }

  private async startDemo(): Promise<void> {
    const { issuer, customers, orders, accounts, ops } = this.ports;
    const demo = await startApp({
      app: 'demo',
      opsPort: ops,
      env: {
        DEMO_ISSUER_PORT: String(issuer),
        DEMO_CUSTOMERS_PORT: String(customers),
        DEMO_ORDERS_PORT: String(orders),
        DEMO_ACCOUNTS_PORT: String(accounts),
        DEMO_OPS_PORT: String(ops),
        DATABASE_URL: this.postgres.url,
        KAFKA_BROKERS: this.kafka.brokers.join(','),
        LOCAL_DIR: this.localDirectory,
        DEMO_REPLAY_SPEED: '0',
        MOBILE_CLIENT_SECRET: this.clientSecret,
        WEB_CLIENT_SECRET: this.clientSecret,
        PARTNER_CLIENT_SECRET: this.clientSecret,
        LOG_LEVEL: 'warn',
      },
    });
    this.apps.push(demo);
  }
}
