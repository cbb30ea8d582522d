import type { Order, OrderStatus } from '@tidegate/contracts';
import { freePorts, type LocalServer } from '@tidegate/infra';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startApp, type StartedWhen } from './app-process';

export interface ShopOptions {
  databaseUrl: string;
  brokers: readonly string[];
  /** What the BFFs show at the issuer. */
  clientSecret?: string;
  until?: StartedWhen;
  env?: Record<string, string>;
}

export interface Answer<T> {
  status: number;
  body: T;
}

/** One replica of the demo services, from its bundle, and a client with a service token. */
export class Shop {
  private token: string | undefined;

  private constructor(
    readonly process: LocalServer,
    readonly ports: { ops: number; issuer: number; customers: number; orders: number; accounts: number },
    readonly directory: string,
  ) {}

  static async start({ databaseUrl, brokers, clientSecret, until = 'ready', env = {} }: ShopOptions): Promise<Shop> {
    const [ops, issuer, customers, orders, accounts] = (await freePorts(5)) as [number, number, number, number, number];
    const directory = mkdtempSync(path.join(tmpdir(), 'tidegate-shop-'));
    const process = await startApp({
      app: 'demo',
      opsPort: ops,
      until,
      env: {
        DEMO_OPS_PORT: String(ops),
        DEMO_ISSUER_PORT: String(issuer),
        DEMO_CUSTOMERS_PORT: String(customers),
        DEMO_ORDERS_PORT: String(orders),
        DEMO_ACCOUNTS_PORT: String(accounts),
        DATABASE_URL: databaseUrl,
        KAFKA_BROKERS: brokers.join(','),
        LOCAL_DIR: directory,
        DEMO_REPLAY_SPEED: '0',
        ...clientSecrets(clientSecret ?? 'a secret of the tests'),
        ...env,
      },
    });
    return new Shop(process, { ops, issuer, customers, orders, accounts }, directory);
  }

  async place(customerId: string): Promise<Answer<Order>> {
    return this.call('orders', '/orders', { customerId, lines: [{ sku: '1082185', quantity: 1 }] });
  }

  async advance(orderId: string, status: OrderStatus): Promise<Answer<Order>> {
    return this.call('orders', `/orders/${orderId}/status`, { status });
  }

  /** A request with a service token; a body makes it a POST. */
  async call<T>(service: 'customers' | 'orders' | 'accounts', target: string, body?: object): Promise<Answer<T>> {
    this.token ??= await this.issue({ role: 'service', expiresInSeconds: 86_400 });
    return this.callAs(this.token, service, target, body);
  }

  async callAs<T>(
    token: string | undefined,
    service: 'customers' | 'orders' | 'accounts',
    target: string,
    body?: object,
  ): Promise<Answer<T>> {
    const response = await fetch(`http://127.0.0.1:${this.ports[service]}${target}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as T };
  }

  async issue(identity: object): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.ports.issuer}/dev/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(identity),
    });
    if (!response.ok) throw new Error(`the issuer answered ${response.status}: ${await response.text()}`);
    return ((await response.json()) as { access_token: string }).access_token;
  }

  async readiness(): Promise<{ status: string; checks: Record<string, { ok: boolean; reason?: string }> }> {
    const response = await fetch(`http://127.0.0.1:${this.ports.ops}/readyz`);
    return (await response.json()) as Awaited<ReturnType<Shop['readiness']>>;
  }

  /** Records that this replica's relay sent. */
  async relayed(): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.ports.ops}/metrics`)).text();
    return Number(/tidegate_outbox_records_total\{outcome="acknowledged"\} (\d+)/.exec(text)?.[1] ?? 0);
  }

  /** 16,601 orders with their transactions, 120 customers and accounts. */
  async untilSeedIsRelayed(): Promise<void> {
    while ((await this.relayed()) < 33_442) await sleep(50);
  }

  async stop(): Promise<void> {
    await this.process.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function clientSecrets(secret: string): Record<string, string> {
  return Object.fromEntries(['MOBILE', 'WEB', 'PARTNER'].map((bff) => [`${bff}_CLIENT_SECRET`, secret]));
}
