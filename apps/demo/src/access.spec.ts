import { createHttpApp, listRoutes, type HttpApp } from '@tidegate/http';
import { createPool } from '@tidegate/postgres';
import { createLogger, Registry } from '@tidegate/telemetry';
import { AccountsModule } from './accounts/accounts.module';
import type { Background } from './background';
import { CustomersModule } from './customers/customers.module';
import { OrdersModule } from './orders/orders.module';
import { Preparation } from './seed/preparation';

const logger = createLogger({ service: 'test', level: 'silent' });
const pool = createPool({ url: 'postgres://127.0.0.1:1/none' }, { logger });
const background = { onServiceClosed: () => Promise.resolve() } as unknown as Background;
const deps = {
  auth: { issuer: 'http://127.0.0.1:1', audience: 'tidegate' },
  pool,
  preparation: new Preparation(pool, __dirname, logger),
  background,
};
const apps: HttpApp[] = [];

beforeAll(async () => {
  for (const module of [CustomersModule, OrdersModule, AccountsModule]) {
    const app = await createHttpApp(module.forRoot(deps), { logger, registry: new Registry() });
    await app.init();
    apps.push(app);
  }
});
afterAll(() => Promise.all([...apps.map((app) => app.close()), pool.close()]));

it('every route of the services is for services only, but for their descriptions', () => {
  const routes = apps.flatMap(listRoutes).filter(({ method }) => method !== 'HEAD');
  const open = routes.filter(({ access }) => access?.kind === 'public').map(({ path }) => path);
  expect(new Set(open)).toEqual(new Set(['/openapi.json']));
  const closed = routes.filter(({ access }) => access?.kind !== 'public');
  expect(closed.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
    'GET /accounts/:accountId',
    'GET /accounts/by-customer/:customerId',
    'GET /customers/:customerId',
    'GET /orders',
    'GET /orders/:orderId',
    'POST /orders',
    'POST /orders/:orderId/status',
  ]);
  for (const { access } of closed) expect(access).toEqual({ kind: 'required', roles: ['service'] });
});
