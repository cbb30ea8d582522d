import {
  Injectable,
  type CanActivate,
  type DynamicModule,
  type OnApplicationShutdown,
  type Provider,
  type Type,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AuthModule, type AuthenticatorOptions } from '@tidegate/auth';
import { Pool } from '@tidegate/postgres';
import { Background } from './background';
import { Preparation } from './seed/preparation';

export interface ServiceDeps {
  auth: AuthenticatorOptions;
  pool: Pool;
  preparation: Preparation;
  background: Background;
}

/** Refuses requests while there are no tables or no data yet. */
@Injectable()
class PreparedGuard implements CanActivate {
  constructor(private readonly preparation: Preparation) {}

  canActivate(): boolean {
    this.preparation.assertDone();
    return true;
  }
}

/** Requests need the database until the last service has answered its last one. */
@Injectable()
class ClosedDoor implements OnApplicationShutdown {
  constructor(private readonly background: Background) {}

  onApplicationShutdown(): Promise<void> {
    return this.background.onServiceClosed();
  }
}

/** What the three services have in common: tokens, the database, and waiting for the seed. */
export function serviceModule(
  module: Type,
  { auth, pool, preparation, background }: ServiceDeps,
  own: { controllers: Type[]; providers: Provider[] },
): DynamicModule {
  return {
    module,
    imports: [AuthModule.forRoot(auth)],
    controllers: own.controllers,
    providers: [
      { provide: Pool, useValue: pool },
      { provide: Preparation, useValue: preparation },
      { provide: Background, useValue: background },
      { provide: APP_GUARD, useClass: PreparedGuard },
      ClosedDoor,
      ...own.providers,
    ],
  };
}
