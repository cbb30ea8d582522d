import type { AppSpec } from '@tidegate/http';
import { createPool } from '@tidegate/postgres';
import type { Logger, Registry } from '@tidegate/telemetry';
import { AccountsModule } from './accounts/accounts.module';
import { Background } from './background';
import type { Config } from './config';
import { CustomersModule } from './customers/customers.module';
import { Issuer } from './issuer/issuer';
import { OrdersModule } from './orders/orders.module';
import { Preparation } from './seed/preparation';

/** The three services with all that they share, started as far as what it needs is there. */
export async function demoApps(config: Config, shared: { logger: Logger; registry: Registry }): Promise<AppSpec[]> {
  const { host, ports, auth } = config;
  const { logger } = shared;
  const pool = createPool(config.postgres, { logger });
  const preparation = new Preparation(pool, config.dataDirectory, logger);
  const issuer = new Issuer(config.issuer, logger);
  const background = new Background(config, { pool, preparation, issuer, services: 3, ...shared });
  await issuer.start();
  background.start();
  const deps = { auth, pool, preparation, background };
  return [
    { module: CustomersModule.forRoot(deps), host, port: ports.customers, portVariable: 'DEMO_CUSTOMERS_PORT' },
    { module: OrdersModule.forRoot(deps), host, port: ports.orders, portVariable: 'DEMO_ORDERS_PORT' },
    { module: AccountsModule.forRoot(deps), host, port: ports.accounts, portVariable: 'DEMO_ACCOUNTS_PORT' },
  ];
}
