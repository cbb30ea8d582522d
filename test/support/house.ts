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
import path from 'node:path';
import { startApp, type StartedWhen } from './app-process';
import { PartnerKeys } from './partner-keys';
import { Shop } from './shop';

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
  private readonly cursorKeys = randomBytes(32).toString('base64url');
  /** Of partners; every replica reads it again by itself. */
  readonly apiKeys: PartnerKeys;

  private constructor(
    readonly kafka: KafkaCluster,
    readonly redis: LocalStore,
    readonly postgres: LocalStore,
    /** The demo services and their issuer. */
    readonly shop: Shop,
    private readonly clientSecret: string,
  ) {
    this.apiKeys = new PartnerKeys(shop.directory);
  }

  static async start(): Promise<House> {
    const [kafka, redis, postgres] = await Promise.all([startKafka(), startRedis(), startPostgres()]);
    const clientSecret = randomBytes(16).toString('hex');
    try {
      const shop = await Shop.start({
        databaseUrl: postgres.url,
        brokers: kafka.brokers,
        clientSecret,
        env: { LOG_LEVEL: 'warn' },
      });
      return new House(kafka, redis, postgres, shop, clientSecret);
    } catch (error) {
      await Promise.all([kafka.stop(), redis.stop(), postgres.stop()]);
      throw error;
    }
  }

  get issuerUrl(): string {
    return `http://127.0.0.1:${this.shop.ports.issuer}`;
  }

  /** The address of one of the demo services. */
  serviceUrl(service: 'customers' | 'orders' | 'accounts'): string {
    return `http://127.0.0.1:${this.shop.ports[service]}`;
  }

  /** One more replica of the mobile BFF. */
  startMobile(replica: string, until?: StartedWhen, env?: Record<string, string>): Promise<Bff> {
    return this.startBff('mobile', replica, until, env);
  }

  /** One more replica of the web BFF. */
  startWeb(replica: string, until?: StartedWhen): Promise<Bff> {
    return this.startBff('web', replica, until);
  }

  /** One more replica of the partner BFF. */
  startPartner(replica: string, until?: StartedWhen, env?: Record<string, string>): Promise<Bff> {
    return this.startBff('partner', replica, until, {
      API_KEYS_FILE: this.apiKeys.file,
      API_KEYS_PEPPER: this.apiKeys.pepper,
      API_KEYS_ENVIRONMENT: 'test',
      ...env,
    });
  }

  /** A token of the development issuer: `{ role: 'customer', subject: '13' }`. */
  token(identity: { role: string; subject?: string; tenant?: string }): Promise<string> {
    return this.shop.issue(identity);
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
    await Promise.all([this.shop.stop(), ...this.apps.map((app) => app.kill())]);
    await Promise.all([this.kafka.stop(), this.redis.stop(), this.postgres.stop()]);
  }

  private async startBff(
    app: 'mobile' | 'web' | 'partner',
    replica: string,
    until: StartedWhen = 'ready',
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
}
