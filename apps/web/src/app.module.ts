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
import { DashboardController } from './dashboard/dashboard.controller';
import { DashboardService } from './dashboard/dashboard.service';
import { Services } from './dashboard/services';
import { PolicyController } from './policy/policy.controller';

@Module({})
export class AppModule {
  static forRoot(config: Config): DynamicModule {
    return {
      module: AppModule,
      imports: [
        AuditModule.forRoot(config.audit),
        AuthModule.forRoot(config.auth),
        RedisModule.forRoot(config.redis),
        RateLimitModule.forRoot({ app: 'web', defaults: ['web-user'], ...config.limits }),
        StreamsModule.forRoot(config.streams),
        DoorsModule.forRoot({ ...config.doors, limits: ['web-streams'] }),
      ],
      controllers: [DashboardController, PolicyController],
      providers: [
        DashboardService,
        { provide: Services, useValue: new Services(config.services) },
        { provide: VisibleRows, inject: [Policy], useFactory: (policy: Policy) => new VisibleRows(policy) },
      ],
    };
  }
}
