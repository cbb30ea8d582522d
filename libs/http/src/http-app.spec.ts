import { Body, Controller, Get, Inject, Module, Param, Post, Query, type DynamicModule } from '@nestjs/common';
import { ApiOkResponse } from '@nestjs/swagger';
import { AuthModule, Caller, Public, Require, type Principal } from '@tidegate/auth';
import { AppError, errorCodes } from '@tidegate/errors';
import { createLogger, createRegistry, LOGGER, requestContext, type Logger } from '@tidegate/telemetry';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import 'reflect-metadata';
import request from 'supertest';
import { z } from 'zod';
import { createHttpApp, type HttpApp } from './http-app';
import { httpStatus } from './http-status';
import { listRoutes } from './routes';

const noteSchema = z.strictObject({
  title: z.string().max(10),
  lines: z.array(z.strictObject({ n: z.number() })).optional(),
});
const pageSchema = z.strictObject({ limit: z.coerce.number().int().max(100).default(20) });
const seen: unknown[] = [];

@Controller('notes')
@Require({ roles: ['customer'], resource: 'notes' })
class NotesController {
  constructor(@Inject(LOGGER) private readonly logger: Logger) {}

  @Get()
  list(@Query({ schema: pageSchema }) page: z.output<typeof pageSchema>, @Caller() caller: Principal) {
    this.logger.info('listed');
    return { items: [], limit: page.limit, caller: caller.subject };
  }

  @Get(':id')
  @ApiOkResponse({ standardSchema: noteSchema })
  read(@Param('id', { schema: z.string().regex(/^\d+$/) }) id: string) {
    return { id };
  }

  @Post()
  write(@Body({ schema: noteSchema }) note: z.output<typeof noteSchema>) {
    seen.push(note);
    return { context: requestContext.get(), note };
  }
}

@Controller('open')
@Public()
class OpenController {
  @Get('throw/:code')
  fail(@Param('code') code: string) {
    const known = errorCodes.find((name) => name === code);
    if (known === undefined) throw new Error(`secret of ${code}`);
    throw new AppError(known, 'Said to clients.', { cause: new Error('secret cause'), retryAfterMs: 1_200 });
  }

  @Post('echo')
  echo(@Body({ schema: z.unknown() }) body: unknown) {
    seen.push(body);
    return { body };
  }

  @Post('unchecked')
  unchecked(@Body() body: unknown) {
    seen.push(body);
  }
}

@Controller('forgotten')
class ForgottenController {
  @Get()
  list() {
    seen.push('forgotten');
  }
}

@Module({})
class TestModule {
  static with(issuer: string): DynamicModule {
    return {
      module: TestModule,
      imports: [AuthModule.forRoot({ issuer, audience: 'tidegate', jwksUri: `${issuer}/jwks` })],
      controllers: [NotesController, OpenController, ForgottenController],
    };
  }
}

let issuer: Server;
let app: HttpApp;
let port: number;
let token: (claims?: Record<string, unknown>) => Promise<string>;
const lines: string[] = [];

beforeAll(async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256' }];
  issuer = createServer((_request, response) => response.end(JSON.stringify({ keys })));
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
  const iss = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}`;
  token = (claims = {}) =>
    new SignJWT({ iss, aud: 'tidegate', sub: '13', tenant: 'north', roles: ['customer'], ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'k' })
      .setExpirationTime('1h')
      .sign(privateKey);
  const logger = createLogger({
    service: 'test',
    level: 'trace',
    destination: { write: (line) => void lines.push(line) },
  });
  app = await createHttpApp(TestModule.with(iss), { logger, registry: createRegistry(), title: 'Notes', version: '3' });
  await app.listen(0, '127.0.0.1');
  port = (app.getHttpServer().address() as AddressInfo).port;
});
afterAll(async () => {
  await app.close();
  issuer.close();
});
beforeEach(() => {
  seen.length = 0;
  lines.length = 0;
});

const client = () => request(`http://127.0.0.1:${port}`);
const bearer = async (claims?: Record<string, unknown>) => ({ authorization: `Bearer ${await token(claims)}` });

/** Sends bytes as they are, and gives all that comes back until the server closes or nothing more comes. */
function raw(chunks: (string | Buffer)[], idleMs = 150): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    let idle = setTimeout(() => undefined, 0);
    const finish = () => {
      socket.destroy();
      resolve(answer);
    };
    const wait = () => {
      clearTimeout(idle);
      idle = setTimeout(finish, idleMs);
    };
    socket.on('data', (data) => {
      answer += data.toString('latin1');
      wait();
    });
    socket.on('end', finish);
    socket.on('error', reject);
    for (const chunk of chunks) socket.write(chunk);
    wait();
  });
}
const statuses = (answer: string) => [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));

function expectProblem(response: request.Response, status: number, code: string): void {
  expect([response.status, response.headers['content-type']]).toEqual([
    status,
    'application/problem+json; charset=utf-8',
  ]);
  const body = response.body as Record<string, unknown>;
  expect(body).toMatchObject({ status, code, requestId: response.headers['x-request-id'] });
  expect(Object.values(body)).not.toContain(undefined);
}

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
    const line = lines.map((text) => JSON.parse(text) as Record<string, unknown>).find(({ msg }) => msg === 'listed');
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
    for (const authorization of ['Bearer x', 'Basic YTpi', `Bearer ${await token({ aud: 'other' })}`]) {
      const bad = await client().get('/notes').set({ authorization });
      expectProblem(bad, 401, 'unauthenticated');
      expect({ ...(bad.body as object), requestId: '' }).toEqual({ ...(missing.body as object), requestId: '' });
    }
  });

  it('is refused when the header comes twice, and never read from the query', async () => {
    const good = await token();
    const twice = await raw([
      `GET /notes HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${good}\r\nAuthorization: Bearer ${good}\r\n\r\n`,
    ]);
    expect(statuses(twice)).toEqual([401]);
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
    expect(lines.join('')).toMatch(/"level":"error".*ForgottenController\.list.*declares no access/);
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
        const answer = await raw([`${method} ${target} HTTP/1.1\r\nHost: a\r\n${override}Connection: close\r\n\r\n`]);
        expect([method, target, statuses(answer).filter((status) => ![400, 401, 404, 405].includes(status))]).toEqual([
          method,
          target,
          [],
        ]);
      }
    }
    expect(seen).toEqual([]);
  }, 20_000);
});

describe('bad input', () => {
  const post = async (body: string, type = 'application/json') =>
    client()
      .post('/notes')
      .set(await bearer())
      .set('content-type', type)
      .send(body);

  it('with unknown fields is refused by their names', async () => {
    const response = await post('{"title":"a","colour":1,"lines":[{"n":1,"m":2}],"size":3}');
    expectProblem(response, 400, 'invalid_argument');
    expect((response.body as { errors: unknown }).errors).toEqual([
      { pointer: '/lines/0/m', detail: 'Unknown field; remove it.' },
      { pointer: '/colour', detail: 'Unknown field; remove it.' },
      { pointer: '/size', detail: 'Unknown field; remove it.' },
    ]);
  });

  it('is told by JSON pointer, in body, query and path', async () => {
    const body = await post('{"title":"far too long for it"}');
    expect(body.body).toMatchObject({ detail: 'The body has invalid input.', errors: [{ pointer: '/title' }] });
    const query = await client()
      .get('/notes?limit=101&page=2')
      .set(await bearer());
    expectProblem(query, 400, 'invalid_argument');
    expect(query.body).toMatchObject({ errors: [{ pointer: '/limit' }, { pointer: '/page' }] });
    const path = await client()
      .get('/notes/abc')
      .set(await bearer());
    expect(path.body).toMatchObject({ detail: 'The path has invalid input.', errors: [{ pointer: '/id' }] });
  });

  it.each([
    ['no JSON', '{"title":', 'malformed'],
    ['nothing', '', 'malformed'],
    ['a prototype', '{"title":"a","__proto__":{"admin":true}}', 'invalid_argument'],
    ['a prototype in escapes', '{"title":"a","\\u005f_proto__":{"admin":true}}', 'invalid_argument'],
    ['a constructor', '{"title":"a","constructor":{"prototype":{"admin":true}}}', 'invalid_argument'],
    ['a field twice', '{"title":"a","title":"b"}', 'invalid_argument'],
    ['a deep value', `{"title":${'['.repeat(21)}${']'.repeat(21)}}`, 'invalid_argument'],
    ['an array', '[]', 'invalid_argument'],
    ['null', 'null', 'invalid_argument'],
  ])('that is %s is refused', async (_what, body, code) => {
    expectProblem(await post(body), 400, code);
    expect(seen).toEqual([]);
  });

  it('of another type, charset or encoding is refused', async () => {
    for (const type of [
      'text/plain',
      'application/xml',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=a',
    ]) {
      expectProblem(await post('{"title":"a"}', type), 415, 'unsupported_media_type');
    }
    expectProblem(await post('{"title":"a"}', 'application/json; charset=utf-16'), 415, 'unsupported_media_type');
    for (const encoding of ['gzip', 'deflate', 'br', 'gzip, gzip']) {
      for (const path of ['/notes', '/nothing']) {
        const response = await client()
          .post(path)
          .set('content-encoding', encoding)
          .set('content-type', 'application/json')
          .send('{}');
        expectProblem(response, 415, 'unsupported_media_type');
      }
    }
    expect((await post('{"title":"a"}', 'application/json; charset=UTF-8')).status).toBe(201);
  });

  it('without a schema at its handler never reaches it', async () => {
    expectProblem(await client().post('/open/unchecked').send({ a: 1 }), 500, 'internal');
    expect(seen).toEqual([]);
  });

  it('on unknown paths and methods is a problem with what is allowed', async () => {
    expectProblem(await client().get('/nothing?token=hunter2'), 404, 'not_found');
    const wrong = await client()
      .delete('/notes')
      .set(await bearer());
    expectProblem(wrong, 405, 'method_not_allowed');
    expect(wrong.headers['allow']).toBe('GET, HEAD, POST');
    expect((await client().options('/notes/1')).headers['allow']).toBe('GET, HEAD');
    expect(lines.join('')).not.toContain('hunter2');
  });

  it('in the URL or the headers is a problem too', async () => {
    expectProblem(
      await client()
        .get('/notes/%zz')
        .set(await bearer()),
      400,
      'malformed',
    );
    const longId = await client()
      .get(`/notes/${'1'.repeat(600)}`)
      .set(await bearer());
    expect([longId.status, longId.body]).toEqual([413, expect.objectContaining({ code: 'too_large' })]);
    const overflow = await raw([`GET /notes HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(17_000)}\r\n\r\n`]);
    expect(statuses(overflow)).toEqual([431]);
    expect(overflow).toContain('application/problem+json');
    expect(overflow).toContain('"code":"too_large"');
    for (const bytes of [
      'nonsense\r\n\r\n',
      'GET / HTTP/1.1\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\nHost : b\r\n\r\n',
      '\x16\x03\x01\x00\xa5',
    ]) {
      const answer = await raw([bytes]);
      expect([bytes, statuses(answer)]).toEqual([bytes, [400]]);
      expect(answer).toContain('application/problem+json');
    }
  });
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
    const line = lines
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
    expect(lines.join('')).not.toMatch(/"level":"(?:error|warn)"/);
  });
});

describe('a body', () => {
  const limit = 64 * 1024;
  const json = (bytes: number) => `"${'a'.repeat(bytes - 2)}"`;
  const inner = 'GET /notes HTTP/1.1\r\nHost: inner\r\n\r\n';
  const head = (...headers: string[]) =>
    ['POST /open/echo HTTP/1.1', 'Host: a', 'Content-Type: application/json', ...headers, '', ''].join('\r\n');

  it('is taken up to the limit and not beyond', async () => {
    expect((await client().post('/open/echo').set('content-type', 'application/json').send(json(limit))).status).toBe(
      201,
    );
    expectProblem(
      await client()
        .post('/open/echo')
        .set('content-type', 'application/json')
        .send(json(limit + 1)),
      413,
      'too_large',
    );
    expectProblem(
      await client().post('/open/echo').set('content-type', 'application/json').send(json(4_000_000)),
      413,
      'too_large',
    );
  });

  it('beyond the limit is answered once, and its tail is never a request', async () => {
    const body = json(limit) + inner;
    const answer = await raw([head(`Content-Length: ${body.length}`), body]);
    expect(statuses(answer)).toEqual([413]);
    expect(seen).toEqual([]);
  });

  it('beyond the limit in chunks is answered once, and its tail is never a request', async () => {
    const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
    const answer = await raw([
      head('Transfer-Encoding: chunked'),
      chunk(json(limit)),
      chunk('a'.repeat(limit)),
      chunk(inner),
      '0\r\n\r\n',
    ]);
    expect(statuses(answer)).toEqual([413]);
    expect(seen).toEqual([]);
  });

  it('that is refused leaves the connection good for the next request, or closes it', async () => {
    const body = json(limit + 10);
    const answer = await raw(
      [head(`Content-Length: ${body.length}`), body, 'GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n'],
      400,
    );

    expect(statuses(answer)).toEqual([413, 200]);
  });

  it('larger than what is read away ends the connection', async () => {
    const answer = await raw([head(`Content-Length: ${9 * 1024 * 1024}`)]);
    expect(statuses(answer)).toEqual([413]);
    expect(answer.toLowerCase()).toContain('connection: close');
  });

  it('with two lengths or a length and chunks is refused, and the connection ends', async () => {
    for (const headers of [
      ['Content-Length: 2', 'Content-Length: 40'],
      ['Content-Length: 4', 'Transfer-Encoding: chunked'],
      ['Transfer-Encoding: xchunked'],
    ]) {
      const answer = await raw([head(...headers), '0\r\n\r\n', inner]);
      expect(statuses(answer)).toEqual([400]);
    }
    expect(seen).toEqual([]);
  });

  it('that ends early produces nothing', async () => {
    const socket = connect(port, '127.0.0.1');
    socket.write(head('Transfer-Encoding: chunked') + '5\r\n{"a":\r\n');
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    await raw([head('Content-Length: 100') + '{"a":1}'], 50);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(seen).toEqual([]);
    expect(lines.join('')).not.toMatch(/"level":"error"/);
  });

  it('sent with GET is no body and no next request', async () => {
    const answer = await raw([
      `GET /openapi.json HTTP/1.1\r\nHost: a\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`,
    ]);
    expect(statuses(answer)).toEqual([200]);
  });
});

describe('GET /openapi.json', () => {
  it('describes routes, schemas, access and errors in OpenAPI 3.1', async () => {
    const { body } = (await client().get('/openapi.json').expect(200)) as { body: Record<string, unknown> };
    expect(body).toMatchObject({
      openapi: '3.1.0',
      info: { title: 'Notes', version: '3' },
      paths: {
        '/notes': {
          post: {
            security: [{ bearer: [] }],
            requestBody: {
              content: { 'application/json': { schema: { additionalProperties: false, required: ['title'] } } },
            },
            responses: { default: { content: { 'application/problem+json': {} } } },
          },
          get: { parameters: [{ name: 'limit', in: 'query', required: false }] },
        },
        '/notes/{id}': {
          get: { responses: { 200: { content: { 'application/json': { schema: { type: 'object' } } } } } },
        },
        '/open/echo': { post: { security: [] } },
      },
    });
  });
});

describe(listRoutes.name, () => {
  it('lists every route with its handler and access, undeclared ones too', () => {
    const routes = listRoutes(app);
    expect(routes).toContainEqual({
      method: 'POST',
      path: '/notes',
      handler: 'NotesController.write',
      access: { kind: 'required', roles: ['customer'], resource: 'notes' },
    });
    expect(routes).toContainEqual({
      method: 'HEAD',
      path: '/notes/:id',
      handler: 'NotesController.read',
      access: { kind: 'required', roles: ['customer'], resource: 'notes' },
    });
    expect(routes).toContainEqual({
      method: 'GET',
      path: '/openapi.json',
      handler: 'OpenApiController.read',
      access: { kind: 'public' },
    });
    expect(routes.filter(({ access }) => access === undefined).map(({ path }) => path)).toEqual([
      '/forgotten',
      '/forgotten',
    ]);
  });
});
