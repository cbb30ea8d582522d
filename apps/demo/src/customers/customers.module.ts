import { Module, type DynamicModule } from '@nestjs/common';
import { serviceModule, type ServiceDeps } from '../service';
import { CustomersController } from './customers.controller';
import { CustomersService } from './customers.service';

/** The customers service. */
@Module({})
export class CustomersModule {
  static forRoot(deps: ServiceDeps): DynamicModule {
    return serviceModule(CustomersModule, deps, { controllers: [CustomersController], providers: [CustomersService] });
  }
}
