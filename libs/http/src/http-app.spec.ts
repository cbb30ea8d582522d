import { errorCodes } from '@tidegate/errors';
import { httpStatus } from './http-status';
import { expectProblem, raw, seen, startNotes, type Notes } from './notes-fixture';

let notes: Notes;

beforeAll(async () => {
  notes = await startNotes();
});
afterAll(() => notes.stop());
beforeEach(() => {
  seen.length = 0;
  notes.lines.length = 0;
});

const client = () => notes.client();
const bearer = (claims?: Record<string, unknown>) => notes.bearer(claims);

describe('an answer', () => {
  it('carries a request id: the one given if it is sane, else a new one', async () => {
    const given = await client().get('/openapi.json').set('x-request-id', 'phone-1.a:b_c');
    expect(given.headers['x-request-id']).toBe('phone-1.a:b_c');
    for (const bad of ['a b', 'a"b', 'é', 'x'.repeat(129), '{}']) {
      const { headers } = await client().get('/openapi.json').set('x-request-id', Buffer.from(bad).toString('latin1'));
      expect(headers['x-request-id']).toMatch(/^[\da-f-]{36}$/);
    }
    const longest = await client().get('/nothing').set('x-request-id', 'x'.repeat(128));
    expect(longest.headers['x-request-id']).toBe('x'.repeat(128));
  });

  it('forbids sniffing, framing and caching, and is private when it is about a caller', async () => {
    const open = await client().get('/openapi.json');
    expect(open.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'cache-control': 'no-store',
    });
    const own = await client()
      .get('/notes')
      .set(await bearer());
    expect(own.headers['cache-control']).toBe('private, no-cache');
    const refused = await client().get('/notes');
    expect(refused.headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  });

  it('is made in a context that knows request, trace and caller, and so do log lines', async () => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    const response = await client()
      .post('/notes')
      .set({ ...(await bearer()), 'x-request-id': 'r1', traceparent: `00-${trace}-00f067aa0ba902b7-01` })
      .send({ title: 'a' });
    expect((response.body as { context: unknown }).context).toEqual({
      requestId: 'r1',
      traceId: trace,
      parentSpanId: '00f067aa0ba902b7',
      tenant: 'north',
      subject: '13',
    });
    await client()
      .get('/notes')
      .set({ ...(await bearer()), 'x-request-id': 'r2' });
    const line = notes.lines
      .map((text) => JSON.parse(text) as Record<string, unknown>)
      .find(({ msg }) => msg === 'listed');
    expect(line).toMatchObject({ requestId: 'r2', tenant: 'north', subject: '13' });
  });

  it.each(['00-0-0-01', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, `ff-${'a'.repeat(32)}-${'b'.repeat(16)}-01`])(
    'ignores the bad traceparent %s',
    async (traceparent) => {
      const response = await client()
        .post('/notes')
        .set({ ...(await bearer()), traceparent })
        .send({ title: 'a' });
      expect((response.body as { context: object }).context).not.toHaveProperty('traceId');
    },
  );
});

describe('access', () => {
  it('is given to a caller with one of the roles', async () => {
    const response = await client()
      .get('/notes?limit=5')
      .set(await bearer());
    expect([response.status, response.body]).toEqual([200, { items: [], limit: 5, caller: '13' }]);
  });

  it('is refused without a token, with how to authenticate, and for bad tokens with the same body', async () => {
    const missing = await client().get('/notes');
    expectProblem(missing, 401, 'unauthenticated');
    expect(missing.headers['www-authenticate']).toBe('Bearer realm="tidegate"');
    for (const authorization of ['Bearer x', 'Basic YTpi', `Bearer ${await notes.token({ aud: 'other' })}`]) {
      const bad = await client().get('/notes').set({ authorization });
      expectProblem(bad, 401, 'unauthenticated');
      expect({ ...(bad.body as object), requestId: '' }).toEqual({ ...(missing.body as object), requestId: '' });
    }
  });

  it('is refused when the header comes twice, and never read from the query', async () => {
    const good = await notes.token();
    const twice = await raw(notes.port, [
      `GET /notes HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${good}\r\nAuthorization: Bearer ${good}\r\nConnection: close\r\n\r\n`,
    ]);
    expect(twice.statuses).toEqual([401]);
    for (const name of ['access_token', 'token', 'authorization']) {
      expect((await client().get(`/notes?${name}=${good}`)).status).toBe(401);
    }
  });

  it('is refused to a caller without the role', async () => {
    expectProblem(
      await client()
        .get('/notes')
        .set(await bearer({ roles: ['support'] })),
      403,
      'permission_denied',
    );
  });

  it('is refused and reported where none is declared', async () => {
    expectProblem(
      await client()
        .get('/forgotten')
        .set(await bearer()),
      403,
      'permission_denied',
    );
    expect(seen).toEqual([]);
    expect(notes.lines.join('')).toMatch(/"level":"error".*ForgottenController\.list.*declares no access/);
  });

  it('is the same for every spelling of a path, or there is nothing at it', async () => {
    const spellings = [
      ...[
        '/notes/',
        '//notes',
        '/NOTES',
        '/Notes',
        '/notes;x=1',
        '/notes%2F',
        '/%6eotes',
        '/./notes',
        '/open/../notes',
      ],
      ...[
        '/open/%2e%2e/notes',
        '/notes?x=1',
        '/notes#a',
        '/notes/1',
        '/notes/1;x=1',
        '/notes/1%2F2',
        '/notes%00',
        '/%zz',
      ],
      ...['http://127.0.0.1/notes', 'http://evil/notes', '*', 'notes'],
    ];
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'DELETE', 'TRACE', 'PROPFIND']) {
      for (const target of spellings) {
        const override = 'X-HTTP-Method-Override: GET\r\nX-Original-URL: /openapi.json\r\n';
        const head = `${method} ${target} HTTP/1.1\r\nHost: a\r\n${override}Connection: close\r\n\r\n`;
        const { statuses } = await raw(notes.port, [head]);
        expect({ method, target, refused: statuses.map((status) => [400, 401, 404, 405].includes(status)) }).toEqual({
          method,
          target,
          refused: [true],
        });
      }
    }
    expect(seen).toEqual([]);
  }, 20_000);
});

describe('an error', () => {
  it.each(errorCodes)('%s has its status and says only what is safe', async (code) => {
    const response = await client().get(`/open/throw/${code}`);
    expectProblem(response, httpStatus(code), code);
    expect(response.body).toMatchObject({ detail: 'Said to clients.', instance: `/open/throw/${code}` });
    expect(JSON.stringify(response.body)).not.toContain('secret');
    expect(response.headers['retry-after']).toBe('2');
  });

  it('that nobody expected is internal, says nothing, and is logged with its stack', async () => {
    const response = await client().get('/open/throw/surprise');
    expectProblem(response, 500, 'internal');
    expect(JSON.stringify(response.body)).not.toContain('secret');
    const line = notes.lines
      .map((text) => JSON.parse(text) as Record<string, unknown>)
      .find(({ level }) => level === 'error');
    expect(line).toMatchObject({
      requestId: (response.body as { requestId: string }).requestId,
      msg: 'request failed',
    });
    expect(JSON.stringify(line)).toContain('secret of surprise');
  });

  it('that was expected is logged below the level of errors', async () => {
    await client().get('/nothing');
    await client().get('/open/throw/unavailable');
    expect(notes.lines.join('')).not.toMatch(/"level":"(?:error|warn)"/);
  });
});
