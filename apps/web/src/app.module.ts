import { type DynamicModule, Module } from '@nestjs/common';
import { AuthModule } from '@tidegate/auth';
import { DoorsModule } from '@tidegate/doors';
import { Policy } from '@tidegate/policy';
import { RedisModule } from '@tidegate/redis';
import { StreamsModule } from '@tidegate/streams';
import { VisibleRows } from '@tidegate/upstream';
import { type Config } from './config';
import { DashboardController } from './dashboard/dashboard.controller';
import { DashboardService } from './dashboard/dashboard.service';
import { Services } from './dashboard/services';

@Module({})
export class AppModule {
  static forRoot(config: Config): DynamicModule {
    return {
      module: AppModule,
      imports: [
        AuthModule.forRoot(config.auth),
        RedisModule.forRoot(config.redis),
        StreamsModule.forRoot(config.streams),
        DoorsModule.forRoot(config.doors),
      ],
      controllers: [DashboardController],
      providers: [
        DashboardService,
        { provide: Services, useValue: new Services(config.services) },
        { provide: VisibleRows, inject: [Policy], useFactory: (policy: Policy) => new VisibleRows(policy) },
      ],
    };
  }
}
