import { Module, type DynamicModule } from '@nestjs/common';
import { serviceModule, type ServiceDeps } from '../service';
import { OrdersController } from './orders.controller';
import { OrdersService } from './orders.service';

/** The orders service. */
@Module({})
export class OrdersModule {
  static forRoot(deps: ServiceDeps): DynamicModule {
    return serviceModule(OrdersModule, deps, { controllers: [OrdersController], providers: [OrdersService] });
  }
}
