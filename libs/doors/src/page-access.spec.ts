import { request } from 'node:http';
import { openDoors, type Doors } from './doors-fixture';

const origin = 'https://app.test';

let doors: Doors;

beforeAll(async () => {
  doors = await openDoors({ allowedOrigins: [origin] });
});
afterAll(() => doors.app.close());

/** `fetch` sends no Origin of ours. */
function ask(method: string, path: string, headers: Record<string, string>) {
  return new Promise<{ status: number | undefined; headers: Record<string, unknown> }>((resolve, reject) => {
    const sent = request({ port: doors.port, host: '127.0.0.1', method, path, headers }, (response) => {
      resolve({ status: response.statusCode, headers: response.headers });
      response.destroy();
    });
    sent.on('error', reject).end();
  });
}

const preflight = { 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' };
const bearer = { authorization: 'Bearer 13' };

describe('a page of an allowed origin', () => {
  it.each(['/stream-tickets', '/streams/orders', '/orders/stream', '/orders/stream/records', '/streams/orders/acks'])(
    'may ask for %s',
    async (path) => {
      const { status, headers } = await ask('OPTIONS', path, { origin, ...preflight });
      expect(status).toBe(204);
      expect(headers).toMatchObject({
        'access-control-allow-origin': origin,
        'access-control-allow-methods': 'GET, POST',
        'access-control-allow-headers': expect.stringContaining('Authorization') as string,
        vary: 'Origin',
      });
      expect(headers['access-control-allow-credentials']).toBeUndefined();
    },
  );

  it.each([
    ['a ticket', 'POST', '/stream-tickets', bearer, 201],
    ['events', 'GET', '/orders/stream', { ...bearer, accept: 'text/event-stream' }, 200],
    ['records', 'GET', '/streams/orders/records', bearer, 200],
    ['a refusal', 'GET', '/streams/orders/records', {}, 401],
  ])('may read %s', async (_what, method, path, headers, status) => {
    const answer = await ask(method, path, { origin, ...headers });
    expect(answer.status).toBe(status);
    expect(answer.headers['access-control-allow-origin']).toBe(origin);
    expect(answer.headers['access-control-expose-headers']).toContain('Retry-After');
  });
});

describe('another page', () => {
  it.each([{ origin: 'https://evil.test' }, { origin: 'null' }, {}])('may read nothing: %j', async (from) => {
    const asked = await ask('OPTIONS', '/streams/orders', { ...preflight, ...from });
    expect(asked.status).toBe(405);
    const read = await ask('GET', '/streams/orders/records', { ...bearer, ...from });
    for (const { headers } of [asked, read]) {
      expect(headers['access-control-allow-origin']).toBeUndefined();
      expect(headers['vary']).toBe('Origin');
    }
  });

  it('of an allowed origin may read nothing beside the doors', async () => {
    const { headers } = await ask('GET', '/openapi.json', { origin });
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });
});
