import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';
import { House } from './support/house';
import { WebSocketClient } from './support/websocket-client';

interface Readiness {
  status: string;
  checks: { kafka: { ok: boolean; required: boolean; reason?: string } };
}

// Kafka away at start and while running: apps start and stay up, say why they are not ready, and come back by themselves.
describe('Kafka away', () => {
  let house: House;
  let mobile: Awaited<ReturnType<House['startMobile']>>;
  let owner: string;
  let service: string;

  const authorized = (path: string): Promise<Response> =>
    fetch(`${mobile.url}${path}`, { headers: { authorization: `Bearer ${owner}` } });

  const readiness = async (): Promise<{ status: number; body: Readiness }> => {
    const response = await fetch(`${mobile.opsUrl}/readyz`);
    return { status: response.status, body: (await response.json()) as Readiness };
  };

  const untilReadiness = async (status: number, timeoutMs = 30_000): Promise<Readiness> => {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const { status: current, body } = await readiness();
      if (current === status) return body;
      if (Date.now() > deadline) throw new Error(`still ${current}: ${JSON.stringify(body)}`);
      await sleep(100);
    }
  };

  const upgradeStatus = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`${mobile.url.replace('http', 'ws')}/orders/stream`, ['tidegate.v1'], {
        headers: { authorization: `Bearer ${owner}` },
      });
      socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
      socket.once('open', () => reject(new Error('the stream opened')));
      socket.once('error', () => undefined);
    });

  beforeAll(async () => {
    house = await House.start();
    [owner, service] = await Promise.all([
      house.token({ role: 'customer', subject: '13' }),
      house.token({ role: 'service' }),
    ]);
    await house.kafka.nodes[0]?.kill();
    mobile = await house.startMobile('mobile-early', 'live');
  }, 180_000);

  afterAll(() => house.stop(), 60_000);

  it('starts without it and says why it is not ready', async () => {
    const body = await untilReadiness(503);
    expect(body.status).toBe('not ready');
    expect(body.checks.kafka).toMatchObject({ ok: false, required: true });
    expect(body.checks.kafka.reason).toMatch(/\w+/);
    expect((await fetch(`${mobile.opsUrl}/livez`)).status).toBe(200);
  });

  it('still answers what comes from services, and refuses streams with a time to come back', async () => {
    expect((await authorized('/orders?limit=1')).status).toBe(200);
    const records = await authorized('/orders/stream/records?from=earliest');
    expect(records.status).toBe(503);
    expect(Number(records.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(records.headers.get('content-type')).toContain('application/problem+json');
    expect(await upgradeStatus()).toBe(503);
  });

  it('becomes ready and streams by itself once Kafka is there', async () => {
    await house.kafka.nodes[0]?.start();
    await untilReadiness(200);
    const stream = await WebSocketClient.open(`${mobile.url.replace('http', 'ws')}/orders/stream`, owner);
    const orderId = await house.placeOrder('13', service);
    await stream.untilRows('orderId', [orderId]);
    stream.close();
  }, 60_000);

  it('keeps a stream open while the broker hangs, drops out of readiness, and goes on after it', async () => {
    const stream = await WebSocketClient.open(`${mobile.url.replace('http', 'ws')}/orders/stream`, owner);
    await house.kafka.nodes[0]?.pause();
    const orderId = await house.placeOrder('13', service);
    await untilReadiness(503);
    await house.kafka.nodes[0]?.resume();
    await stream.untilRows('orderId', [orderId], 60_000);
    await untilReadiness(200);
    expect(stream.closeCode).toBeUndefined();
    stream.close();
  }, 120_000);
});
