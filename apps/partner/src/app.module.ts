import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { AuditModule } from '@tidegate/audit';
import { AuthModule } from '@tidegate/auth';
import { DoorsModule } from '@tidegate/doors';
import { Idempotency, MemoryIdempotencyStore, RedisIdempotencyStore } from '@tidegate/http';
import { Producer } from '@tidegate/kafka';
import { RateLimitModule } from '@tidegate/ratelimit';
import { REDIS, RedisModule, type Redis } from '@tidegate/redis';
import { StreamsModule } from '@tidegate/streams';
import { LOGGER, Registry, type Logger } from '@tidegate/telemetry';
import { ServiceClient, ServiceToken } from '@tidegate/upstream';
import { AdminController } from './admin/admin.controller';
import type { Config } from './config';
import { TransactionRequests } from './transactions/transaction-requests';
import { TransactionsController } from './transactions/transactions.controller';
import { ACCOUNTS, TransactionsService } from './transactions/transactions.service';

@Module({})
export class AppModule {
  static forRoot(config: Config): DynamicModule {
    return {
      module: AppModule,
      imports: [
        AuditModule.forRoot(config.audit),
        AuthModule.forRoot(config.auth),
        ...(config.redis === undefined ? [] : [RedisModule.forRoot(config.redis)]),
        RateLimitModule.forRoot({ app: 'partner', defaults: ['partner-key'], ...config.limits }),
        StreamsModule.forRoot(config.streams),
        DoorsModule.forRoot({ ...config.doors, limits: ['partner-streams'] }),
      ],
      controllers: [TransactionsController, AdminController],
      providers: [TransactionsService, accounts(config), requests(config), idempotency],
    };
  }
}

function accounts({ accounts: { url, timeoutMs, token } }: Config): Provider {
  const client = new ServiceClient({ name: 'accounts', url, timeoutMs }, new ServiceToken(token));
  return { provide: ACCOUNTS, useValue: client };
}

function requests({ requests: { kafka, timeoutMs } }: Config): Provider {
  return {
    provide: TransactionRequests,
    inject: [LOGGER, Registry],
    useFactory: (logger: Logger, registry: Registry) =>
      new TransactionRequests(new Producer({ ...kafka, timeoutMs }, { logger, registry })),
  };
}

const idempotency: Provider = {
  provide: Idempotency,
  inject: [LOGGER, { token: REDIS, optional: true }],
  useFactory: (logger: Logger, redis?: Redis) =>
    new Idempotency(redis === undefined ? new MemoryIdempotencyStore() : new RedisIdempotencyStore(redis), { logger }),
};
