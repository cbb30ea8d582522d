import { Module, type DynamicModule } from '@nestjs/common';
import { serviceModule, type ServiceDeps } from '../service';
import { AccountsController } from './accounts.controller';
import { AccountsService } from './accounts.service';

/** The accounts service. */
@Module({})
export class AccountsModule {
  static forRoot(deps: ServiceDeps): DynamicModule {
    return serviceModule(AccountsModule, deps, { controllers: [AccountsController], providers: [AccountsService] });
  }
}
