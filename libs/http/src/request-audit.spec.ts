import { AuditLog, AuditModule, type AuditEntry } from '@tidegate/audit';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { expectProblem, last, raw, startNotes, type Notes } from './notes-fixture';

let notes: Notes;
const made: AuditEntry[] = [];

beforeAll(async () => {
  const kafka = { brokers: ['127.0.0.1:1'] };
  notes = await startNotes([AuditModule.forRoot({ app: 'notes', kafka, flushMs: 0 })]);
  jest.spyOn(notes.app.get(AuditLog), 'record').mockImplementation((entry) => {
    made.push(typeof entry === 'function' ? entry() : entry);
  });
});
afterAll(() => notes.stop());
beforeEach(() => made.splice(0));

const client = () => notes.client();
const entries = () => made;

async function untilMade(count: number): Promise<void> {
  for (let tries = 0; entries().length < count && tries < 2_500; tries++) await delay(2);
}

async function only(): Promise<AuditEntry> {
  await untilMade(1);
  await delay(5);
  const [entry] = entries();
  expect(entries()).toHaveLength(1);
  if (entry === undefined) throw new Error('no event');
  return entry;
}

describe('the audit of requests', () => {
  it('is one event for an answered request, with its caller, route, ids and times', async () => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    await client()
      .get('/notes/7')
      .set({ ...(await notes.bearer()), 'x-request-id': 'r1', 'user-agent': 'phone/1' })
      .set('traceparent', `00-${trace}-00f067aa0ba902b7-01`)
      .expect(200);
    const entry = await only();
    expect(entry).toMatchObject({
      ...{
        type: 'request',
        operation: 'GET /notes/:id',
        action: 'read',
        decision: 'allow',
        outcome: 'ok',
        status: 200,
      },
      actor: { type: 'user', subject: '13', tenant: 'north', roles: ['customer'], method: 'bearer' },
      resource: { route: '/notes/:id', ids: { id: '7' } },
      ...{ requestId: 'r1', traceId: trace, userAgent: 'phone/1' },
    });
    expect(entry.address).toMatch(/127\.0\.0\.1$/);
    expect(entry.latencyMs).toBeGreaterThanOrEqual(0);
    expect(entry.latencyMs).toBeLessThan(5_000);
  });

  it.each<[what: string, status: number, code: string, anonymous: boolean, send: () => Promise<unknown>]>([
    ['no token', 401, 'unauthenticated', true, async () => client().get('/notes')],
    [
      'a bad token',
      401,
      'unauthenticated',
      true,
      async () => client().get('/notes').set('authorization', 'Bearer abcdefghijkl'),
    ],
    [
      'the wrong role',
      403,
      'permission_denied',
      false,
      async () =>
        client()
          .get('/notes')
          .set(await notes.bearer({ roles: ['x'] })),
    ],
    ['an undeclared route', 403, 'permission_denied', true, async () => client().get('/forgotten')],
    ['nothing there', 404, 'not_found', true, async () => client().get('/nowhere/eyJhbGciOiJFUzI1NiJ9.e30.c2ln')],
    ['a limit', 429, 'rate_limited', true, async () => client().get('/open/throw/rate_limited')],
  ])('is one event of a denial for %s', async (_what, status, code, anonymous, send) => {
    const response = (await send()) as Parameters<typeof expectProblem>[0];
    expectProblem(response, status, code);
    const entry = await only();
    expect(entry).toMatchObject({ status, outcome: code, decision: 'deny' });
    expect(entry.actor.type).toBe(anonymous ? 'anonymous' : 'user');
    expect(JSON.stringify(entry)).not.toMatch(/eyJ|abcdefghijkl/);
  });

  it.each<[what: string, status: number, outcome: string, send: () => Promise<unknown>]>([
    ['a bad body', 400, 'malformed', async () => client().post('/open/echo').type('json').send('{')],
    [
      'a large body',
      413,
      'too_large',
      async () =>
        client()
          .post('/open/echo')
          .send({ a: 'x'.repeat(70_000) }),
    ],
    ['a bad path', 400, 'malformed', async () => client().get('/%zz')],
    ['a mistake of ours', 500, 'internal', async () => client().get('/open/throw/unknown')],
    ['a service that is away', 503, 'unavailable', async () => client().get('/open/throw/unavailable')],
    [
      'a strange target',
      404,
      'not_found',
      async () => raw(notes.port, [`OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`]),
    ],
  ])('is one event for %s', async (_what, status, outcome, send) => {
    await send();
    expect(await only()).toMatchObject({ status, outcome });
  });

  it('names a query and what it must not hold, but no values', async () => {
    await client()
      .get('/notes?access_token=hunter2hunter2&limit=5')
      .set(await notes.bearer());
    const entry = await only();
    expect(entry).toMatchObject({ status: 400, resource: { query: ['access_token', 'limit'] } });
    expect(JSON.stringify(entry)).not.toContain('hunter2');
  });

  it('holds nothing of a body, a cookie, a key or a token', async () => {
    const token = await notes.token();
    const secrets = [
      'hunter2-cookie',
      'tg_live_k7Q2_0123456789abcdefghij_9f8e',
      'body-secret',
      token,
      token.split('.')[1] ?? '',
    ];
    await client()
      .post('/notes')
      .set({ cookie: `session=${secrets[0]}`, 'x-api-key': secrets[1] ?? '', authorization: `Bearer ${token}` })
      .set({
        'x-request-id': token.slice(0, 128),
        'user-agent': `probe ${secrets[1]} ${token}`,
        referer: `http://x/?t=${token}`,
      })
      .send({ title: 'body-secr', lines: [] });
    const text = JSON.stringify(await only());
    for (const secret of [...secrets, 'body-secr']) expect(text).not.toContain(secret);
  });

  it('is one event for a client that leaves before its answer', async () => {
    const request = httpRequest({ port: notes.port, path: '/open/slow' });
    request.on('error', () => undefined);
    const arrived = once(notes.app.getHttpServer(), 'request');
    request.end();
    await arrived;
    request.destroy();
    expect(await only()).toMatchObject({ status: 499, outcome: 'client_gone', resource: { route: '/open/slow' } });
  });

  it('is one event per request of a connection', async () => {
    await raw(notes.port, ['GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(3), last]);
    await untilMade(4);
    expect(entries().map(({ status }) => status)).toEqual([404, 404, 404, 200]);
  });
});
