import { createHttpApp, type HttpApp } from '@tidegate/http';
import { StreamHub } from '@tidegate/streams';
import { createLogger, createRegistry, type Registry } from '@tidegate/telemetry';
import request from 'supertest';
import { AppModule } from './app.module';
import { Backends } from './backends.fixture';
import { openApi } from './open-api';
import { TransactionRequests } from './transactions/transaction-requests';

export const movement = { accountId: 'account-13', amount: 12.5, currency: 'USD' };

/** The BFF with backends of its own, and in place of Kafka what a test says that Kafka did. */
export class PartnerApp {
  readonly backends = new Backends();
  readonly registry: Registry = createRegistry();
  readonly keys: Record<string, string> = {};
  lines: string[] = [];
  app!: HttpApp;
  posted!: jest.SpiedFunction<TransactionRequests['post']>;
  read!: jest.SpiedFunction<StreamHub['read']>;

  async start(): Promise<void> {
    const { backends, registry } = this;
    await backends.start();
    Object.assign(this.keys, {
      north: backends.key('partner-north', { tenant: 'north' }),
      other: backends.key('partner-north', { tenant: 'north' }),
      south: backends.key('partner-south', { tenant: 'south' }),
      expired: backends.key('partner-south', { expiresInMs: -1 }),
      reader: backends.key('partner-reader', { tenant: 'north', scopes: ['transactions:read'] }),
      writer: backends.key('partner-writer', { tenant: 'north', scopes: ['transactions:write'] }),
      reporting: backends.key('internal-reporting', { roles: ['reporting'] }),
      nobody: backends.key('nobody', { tenant: 'north', roles: ['guest'] }),
    });
    const destination = { write: (line: string) => void this.lines.push(line) };
    const logger = createLogger({ service: 'partner', level: 'trace', destination });
    this.app = await createHttpApp(AppModule.forRoot(backends.config()), { logger, registry, ...openApi });
    await this.app.listen(0, '127.0.0.1');
  }

  /** Accounts 13 of the north and 14 of the south; whatever is posted is acknowledged, and one row can be read. */
  reset(): void {
    jest.restoreAllMocks();
    this.lines = [];
    this.backends.accounts.clear();
    this.backends.account('account-13', 'north');
    this.backends.account('account-14', 'south');
    this.posted = jest
      .spyOn(this.app.get(TransactionRequests), 'post')
      .mockResolvedValue({ topic: 'bank.transaction-requests', partition: 3, offset: '9007199254740993' });
    this.read = jest
      .spyOn(this.app.get(StreamHub), 'read')
      .mockResolvedValue({ records: [{ transactionId: 't1' }], gone: [], cursor: 'c1', gap: null, caughtUp: true });
  }

  async stop(): Promise<void> {
    await this.app.close();
    await this.backends.stop();
  }

  key(name: string): string {
    return this.keys[name] ?? '';
  }

  http(): ReturnType<typeof request> {
    return request(this.app.getHttpServer());
  }

  list(query = '', key = this.key('north')): request.Test {
    return this.http().get(`/v1/transactions${query}`).set('x-api-key', key);
  }

  post(body: object = movement, idempotencyKey?: string, key = this.key('north')): request.Test {
    const test = this.http().post('/v1/transactions').set('x-api-key', key);
    return (idempotencyKey === undefined ? test : test.set('idempotency-key', idempotencyKey)).send(body);
  }
}
