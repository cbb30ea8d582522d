import { type DynamicModule, Module } from '@nestjs/common';
import { AuditModule } from '@tidegate/audit';
import { AuthModule } from '@tidegate/auth';
import { DoorsModule } from '@tidegate/doors';
import { Policy } from '@tidegate/policy';
import { RateLimitModule } from '@tidegate/ratelimit';
import { RedisModule } from '@tidegate/redis';
import { StreamsModule } from '@tidegate/streams';
import { VisibleRows } from '@tidegate/upstream';
import { type Config } from './config';
import { HomeController } from './home/home.controller';
import { HomeService } from './home/home.service';
import { OrdersController } from './orders/orders.controller';
import { OrdersService } from './orders/orders.service';
import { Services } from './services/services';

@Module({})
export class AppModule {
  static forRoot(config: Config): DynamicModule {
    return {
      module: AppModule,
      imports: [
        AuditModule.forRoot(config.audit),
        AuthModule.forRoot(config.auth),
        RedisModule.forRoot(config.redis),
        RateLimitModule.forRoot({ app: 'mobile', defaults: ['mobile-user'], ...config.limits }),
        StreamsModule.forRoot(config.streams),
        DoorsModule.forRoot({
          ...config.doors,
          paths: [{ path: '/orders/stream', stream: 'orders' }],
          limits: ['mobile-streams'],
        }),
      ],
      controllers: [HomeController, OrdersController],
      providers: [
        HomeService,
        OrdersService,
        { provide: Services, useValue: new Services(config.services) },
        { provide: VisibleRows, inject: [Policy], useFactory: (policy: Policy) => new VisibleRows(policy) },
      ],
    };
  }
}
