import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bff } from './support/house';
import { StreamHouse } from './support/stream-house';

const origin = 'https://dashboard.example.com';

interface Upgrade {
  status: number | undefined;
  retryAfter: string | undefined;
  code: string | undefined;
}

// Pages open WebSockets with tickets of one replica at another; who opens too many streams is counted over both.
describe('opening a stream', () => {
  let house: StreamHouse;
  let replicas: [Bff, Bff];
  let catalog: string;

  beforeAll(async () => {
    catalog = mkdtempSync(path.join(tmpdir(), 'tidegate-web-catalog-'));
    const limits = [
      '  web-user: { per: subject, rate: 50/s, burst: 100 }',
      '  web-streams: { per: subject, max: 4, window: 1h }',
    ];
    writeFileSync(path.join(catalog, 'limits.yaml'), ['limits:', ...limits, ''].join('\n'));
    house = await StreamHouse.start({ redis: true });
    const own = { ALLOWED_ORIGINS: origin, WEB_CATALOG_DIR: catalog };
    replicas = await Promise.all([house.startWeb('web-one', own), house.startWeb('web-two', own)]);
  }, 120_000);

  afterAll(async () => {
    await house.stop();
    rmSync(catalog, { recursive: true });
  });

  const ask = (replica: Bff, token: string): Promise<Response> =>
    fetch(`${replica.url}/stream-tickets`, { method: 'POST', headers: { authorization: `Bearer ${token}`, origin } });

  const askTicket = async (replica: Bff, token: string): Promise<string> => {
    const response = await ask(replica, token);
    expect(response.status).toBe(201);
    return ((await response.json()) as { ticket: string }).ticket;
  };

  const upgrade = async (replica: Bff, protocols: string, headers: Record<string, string> = {}): Promise<Upgrade> => {
    const sent = request(`${replica.url}/streams/telemetry`, {
      headers: {
        ...{ connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' },
        ...{ 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-protocol': protocols, ...headers },
      },
      agent: false,
    }).end();
    const [response] = (await Promise.race([once(sent, 'upgrade'), once(sent, 'response')])) as [IncomingMessage];
    let body = '';
    if (response.statusCode !== 101) for await (const chunk of response) body += String(chunk);
    else response.socket.destroy();
    const { code } = JSON.parse(body || '{}') as { code?: string };
    return { status: response.statusCode, retryAfter: response.headers['retry-after'], code };
  };

  const page = (replica: Bff, ticket: string): Promise<Upgrade> =>
    upgrade(replica, `tidegate.v1, ticket.${ticket}`, { origin });

  it('takes a ticket once, at whichever replica it comes first', async () => {
    const token = await house.issuer.token('operator', 'north', 'page');
    const ticket = await askTicket(replicas[0], token);
    const answers = await Promise.all([...replicas, ...replicas].map((replica) => page(replica, ticket)));
    expect(answers.map(({ status }) => status).sort()).toEqual([101, 401, 401, 401]);
  });

  it('refuses a ticket whose token has ended meanwhile', async () => {
    // Tokens are taken for 30 s after their end, so that clocks may differ; this one is at the edge of it.
    const token = await house.issuer.token('operator', 'north', 'late', '-28s');
    const ticket = await askTicket(replicas[0], token);
    const deadline = Date.now() + 20_000;
    while ((await ask(replicas[1], token)).status !== 401 && Date.now() < deadline) await sleep(100);
    expect((await page(replicas[1], ticket)).status).toBe(401);
  });

  it('counts upgrades and event streams of a caller over all replicas, and refuses more with the time to come back', async () => {
    const token = await house.issuer.token('operator', 'north', 'eager');
    const authorization = `Bearer ${token}`;
    const open = [
      () => upgrade(replicas[0], 'tidegate.v1', { authorization }),
      () => upgrade(replicas[1], 'tidegate.v1', { authorization }),
      async () => page(replicas[0], await askTicket(replicas[1], token)),
    ];
    for (const one of open) expect((await one()).status).toBe(101);
    const leave = new AbortController();
    const headers = { authorization, accept: 'text/event-stream' };
    const events = () => fetch(`${replicas[1].url}/streams/telemetry`, { headers, signal: leave.signal });
    expect((await events()).status).toBe(200);
    const refused = await upgrade(replicas[0], 'tidegate.v1', { authorization });
    expect(refused).toMatchObject({ status: 429, code: 'rate_limited' });
    expect(Number(refused.retryAfter)).toBeGreaterThan(60);
    expect((await events()).status).toBe(429);
    leave.abort();
    const other = { authorization: `Bearer ${await house.issuer.token('operator', 'north', 'calm')}` };
    expect((await upgrade(replicas[0], 'tidegate.v1', other)).status).toBe(101);
  });

  it('says that it cannot give or take tickets while Redis is away, and takes tokens all the same', async () => {
    const token = await house.issuer.token('operator', 'north', 'patient');
    const ticket = await askTicket(replicas[0], token);
    await house.withoutRedis(async () => {
      const refused = await ask(replicas[0], token);
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
      expect(await page(replicas[0], ticket)).toMatchObject({ status: 503, code: 'unavailable' });
      expect((await upgrade(replicas[0], 'tidegate.v1', { authorization: `Bearer ${token}` })).status).toBe(101);
    });
  });
});
