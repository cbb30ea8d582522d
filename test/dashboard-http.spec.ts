import { stringifyJson, type JsonObject } from '@tidegate/contracts';
import { House, type Bff } from './support/house';

interface Dashboard {
  customer: JsonObject | null;
  recentOrders: { orderId: string; customerId: string; tenantId: string; placedAt: string }[] | null;
  account: JsonObject | null;
  parts: Record<string, { status: string; ageMs: number; code?: string }>;
}

// Households 13 and 15 belong to tenant north, 14 to south. All services are real, with their real data.
describe('the dashboard over real services', () => {
  let house: House;
  let web: Bff;

  const dashboard = async (customerId: string, token: string): Promise<{ status: number; body: Dashboard }> => {
    const response = await fetch(`${web.url}/dashboard/${customerId}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    return { status: response.status, body: (await response.json()) as Dashboard };
  };

  beforeAll(async () => {
    house = await House.start();
    web = await house.startWeb('web');
  }, 180_000);

  afterAll(() => house.stop(), 60_000);

  it('shows support the customers of its tenant, with their latest orders first', async () => {
    const support = await house.token({ role: 'support', tenant: 'north' });
    const { status, body } = await dashboard('13', support);
    expect(status).toBe(200);
    expect(body.customer).toMatchObject({ customerId: '13', tenantId: 'north' });
    expect(body.account).toMatchObject({ customerId: '13', tenantId: 'north' });
    const orders = body.recentOrders ?? [];
    expect(orders.length).toBeGreaterThan(1);
    expect(orders.every(({ customerId, tenantId }) => customerId === '13' && tenantId === 'north')).toBe(true);
    const placed = orders.map(({ placedAt }) => placedAt);
    expect(placed).toEqual([...placed].sort().reverse());
    expect(Object.values(body.parts)).toEqual(Array(3).fill({ status: 'fresh', ageMs: 0 }));
  });

  it('shows an order that was just placed', async () => {
    const [support, service] = await Promise.all([
      house.token({ role: 'support', tenant: 'north' }),
      house.token({ role: 'service' }),
    ]);
    const orderId = await house.placeOrder('13', service);
    expect((await dashboard('13', support)).body.recentOrders?.[0]?.orderId).toBe(orderId);
  });

  it('answers a customer of the other tenant like one that does not exist', async () => {
    const support = await house.token({ role: 'support', tenant: 'north' });
    const [foreign, unknown] = await Promise.all([dashboard('14', support), dashboard('999999', support)]);
    expect([foreign.status, unknown.status]).toEqual([404, 404]);
    const same = (body: object): string => stringifyJson({ ...body, instance: '', requestId: '' });
    expect(same(foreign.body)).toBe(same(unknown.body));
  });

  it('shows customers themselves and nobody else, without what is not for them', async () => {
    const own = await house.token({ role: 'customer', subject: '13' });
    const { body } = await dashboard('13', own);
    expect(body.customer).toMatchObject({ customerId: '13' });
    expect(JSON.stringify(body)).not.toContain('internalNotes');
    expect((await dashboard('15', own)).status).toBe(404);
  });

  it('has nothing for roles without a grant on any part', async () => {
    const operator = await house.token({ role: 'operator', tenant: 'north' });
    expect((await dashboard('13', operator)).status).toBe(404);
  });
});
