import { freePorts, type LocalServer } from '@tidegate/infra';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import WebSocket from 'ws';
import { startApp } from './support/app-process';
import { DeviceDoor } from './support/device-door';
import { DpopHolder } from './support/dpop-holder';
import { ForgedTokens } from './support/forged-tokens';
import { RawDevice } from './support/raw-device';
import { rawHttp, rawRequest } from './support/raw-http';

const catalog = path.resolve(__dirname, '../catalog');
const secret = randomBytes(32).toString('base64url');

/** Refused where queries are looked at, of those who may ask: nobody waits for what is not there. */
const query = '?limit=0';

/** A protected route and a stream of each BFF; there is no Kafka, Redis or service behind them, since nobody gets that far. */
const bffs = {
  mobile: { route: '/orders', stream: '/orders/stream', otherCase: '/Orders' },
  web: { route: '/dashboard/13', stream: '/streams/orders', otherCase: '/Dashboard/13' },
  partner: { route: '/v1/transactions', stream: '/streams/transactions', otherCase: '/v1/Transactions' },
} as const;
type Bff = keyof typeof bffs;
const names = Object.keys(bffs) as Bff[];

const issuer = new ForgedTokens();
const ports = {} as Record<Bff, number>;
const apps: LocalServer[] = [];
let iot: DeviceDoor;
let forged: [what: string, token: string][];
let good: string;

const bearer = (token: string): string => `Authorization: Bearer ${token}`;

/** The four ways in with a token. Each gives a status, and what the answer says of the error. */
const doors: Record<string, (bff: Bff, headers: string[]) => Promise<{ status: number; said: string }>> = {
  REST: (bff, headers) => ask(bff, bffs[bff].route + query, headers),
  SSE: (bff, headers) => ask(bff, bffs[bff].stream + query, [...headers, 'Accept: text/event-stream']),
  records: (bff, headers) => ask(bff, `${bffs[bff].stream}/records${query}`, headers),
  tickets: (bff, headers) => ask(bff, '/stream-tickets', [...headers, 'Content-Length: 0'], 'POST'),
  WebSocket: (bff, headers) =>
    ask(bff, '/streams', [
      ...headers,
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Protocol: tidegate.v1',
    ]),
};
const ways = names.flatMap((bff) => Object.keys(doors).map((door): [Bff, string] => [bff, door]));

async function ask(
  bff: Bff,
  target: string,
  headers: string[],
  method = 'GET',
): Promise<{ status: number; said: string }> {
  const head = [`${method} ${target} HTTP/1.1`, 'Host: localhost', ...headers];
  if (!headers.some((header) => header.startsWith('Connection'))) head.push('Connection: close');
  const { status, body } = await rawHttp(ports[bff], [...head, '', ''].join('\r\n'));
  if (status === 101 || !body.startsWith('{')) return { status, said: '' };
  const { code, detail } = JSON.parse(body) as { code?: string; detail?: string };
  return { status, said: `${code ?? ''}: ${detail ?? ''}` };
}

beforeAll(async () => {
  await issuer.start();
  const free = await freePorts(2 * names.length);
  const started = names.map(async (app, index) => {
    const [port = 0, opsPort = 0] = free.slice(2 * index, 2 * index + 2);
    ports[app] = port;
    const prefix = app.toUpperCase();
    const process = await startApp({
      ...{ app, opsPort, until: 'open' },
      env: {
        ...{ [`${prefix}_PORT`]: String(port), [`${prefix}_OPS_PORT`]: String(opsPort) },
        ...{ [`${prefix}_CLIENT_SECRET`]: 'x', CATALOG_DIR: catalog, CURSOR_KEYS: secret, ISSUER_URL: issuer.url },
        ...{ KAFKA_BROKERS: '127.0.0.1:1', AUDIT_FLUSH_MS: '0', LOG_LEVEL: 'fatal', SERVICES_TIMEOUT_MS: '200' },
        ...(app === 'partner'
          ? { API_KEYS_FILE: '/nowhere', API_KEYS_PEPPER: secret }
          : { REDIS_URL: 'redis://127.0.0.1:1' }),
      },
    });
    apps.push(process);
  });
  [iot] = await Promise.all([DeviceDoor.start({ brokers: ['127.0.0.1:1'], until: 'open' }), ...started]);
  [forged, good] = await Promise.all([issuer.all(), issuer.signed()]);
}, 60_000);

afterAll(async () => {
  await Promise.all([...apps.map((app) => app.kill()), iot?.stop()]);
  await issuer.stop();
}, 30_000);

describe('a token that is not good', () => {
  it.each(ways)('is refused by %s at %s, with one answer for all reasons', async (bff, door) => {
    const enter = doors[door] as (typeof doors)[string];
    const answers = await Promise.all(
      forged.map(async ([what, token]) => ({ what, ...(await enter(bff, [bearer(token)])) })),
    );
    const expected = { status: 401, said: 'unauthenticated: A valid access token is needed.' };
    expect(answers).toEqual(forged.map(([what]) => ({ what, ...expected })));
    expect([101, 201, 400, 502, 503]).toContain((await enter(bff, [bearer(good)])).status);
    expect(issuer.asked.filter((target) => target.includes('evil'))).toEqual([]);
  });

  it.each(names)('does not refresh an open WebSocket of %s', async (bff) => {
    const socket = new WebSocket(`ws://127.0.0.1:${ports[bff]}/streams`, ['tidegate.v1'], {
      headers: { authorization: `Bearer ${good}` },
    });
    const said: { t: string; code?: string }[] = [];
    socket.on('message', (data: Buffer) => said.push(JSON.parse(data.toString()) as { t: string }));
    await once(socket, 'open');
    // Fewer than the connection may send at once.
    const tokens = forged.slice(0, 12).map(([, token]) => token);
    for (const token of tokens) socket.send(JSON.stringify({ t: 'auth', token }));
    while (said.length < tokens.length + 1) await once(socket, 'message');
    expect(said.slice(1).map(({ t, code }) => `${t} ${code}`)).toEqual(tokens.map(() => 'error unauthenticated'));
    socket.terminate();
  });

  it('is no device token, and a device token is no token', async () => {
    const options = { port: iot.port, tokenKeys: iot.tokenKeys, deviceId: 'bike-1' };
    for (const [, token] of [...forged.slice(0, 4), ['good', good] as const]) {
      const device = await RawDevice.connect(options);
      device.write(device.preface(), device.hello({ token: Buffer.from(token) }));
      await device.until(() => device.isClosed, 'closed');
      expect(device.last('goodbye')?.code).toBe(1);
    }
    const device = await RawDevice.connect(options);
    const hello = device.hello().toString('base64url');
    device.cut();
    expect((await doors['REST']?.('partner', [bearer(hello)]))?.status).toBe(401);
  });
});

describe('a token that is bound to a key', () => {
  const targets: Record<string, string> = {
    REST: bffs.partner.route,
    SSE: bffs.partner.stream,
    records: `${bffs.partner.stream}/records`,
    tickets: '/stream-tickets',
    WebSocket: '/streams',
  };

  it.each(Object.keys(doors))('is taken at %s with a proof for that request, once, and else refused', async (door) => {
    const enter = doors[door] as (typeof doors)[string];
    const [holder, thief] = await Promise.all([DpopHolder.create(), DpopHolder.create()]);
    const token = await issuer.signed({ cnf: { jkt: holder.thumbprint } });
    const method = door === 'tickets' ? 'POST' : 'GET';
    const url = `http://127.0.0.1:${ports.partner}${targets[door]}`;
    const shown = (proof: string): string[] => [`Authorization: DPoP ${token}`, `DPoP: ${proof}`];
    const proof = await holder.proof(token, method, url);
    expect([101, 201, 400]).toContain((await enter('partner', shown(proof))).status);
    const refused = await Promise.all([
      enter('partner', shown(proof)),
      enter('partner', [bearer(token)]),
      enter('partner', [`Authorization: DPoP ${token}`]),
      enter('partner', [bearer(token), `DPoP: ${await holder.proof(token, method, url)}`]),
      enter('partner', shown(await thief.proof(token, method, url))),
      enter('partner', shown(await holder.proof(token, 'PUT', url))),
      enter('partner', shown(await holder.proof(token, method, `${url}/other`))),
      enter('partner', [
        ...shown(await holder.proof(token, method, url.replace('127.0.0.1', 'evil.example'))),
        'X-Forwarded-Host: evil.example',
      ]),
    ]);
    expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 401));
  });

  it('is refused where nobody can say whether a proof is new', async () => {
    const holder = await DpopHolder.create();
    const token = await issuer.signed({ cnf: { jkt: holder.thumbprint } });
    const proof = await holder.proof(token, 'GET', `http://127.0.0.1:${ports.mobile}/orders`);
    const answer = await ask('mobile', '/orders', [`Authorization: DPoP ${token}`, `DPoP: ${proof}`]);
    expect(answer.status).toBe(503);
  });
});

describe('a request that says who it is in another way', () => {
  const claims: [string, string[]][] = [
    ['Envoy’s certificate', [`X-Forwarded-Client-Cert: Hash=${'ab'.repeat(32)};Subject="CN=partner-north"`]],
    ['a certificate of RFC 9440', ['Client-Cert: :MIIB:', 'Client-Cert-Chain: :MIIB:']],
    [
      'nginx’ certificate',
      ['SSL-Client-Verify: SUCCESS', 'SSL-Client-S-DN: CN=partner-north', 'X-SSL-Client-Cert: MIIB'],
    ],
    ['a user', ['X-Forwarded-User: 13', 'X-User-Id: 13', 'X-Remote-User: 13', 'X-Roles: platform', 'X-Tenant: north']],
    ['a proof alone', ['DPoP: eyJ.e30.AAAA']],
    ['a cookie', ['Cookie: access_token=x; session=x']],
    ['a password', ['Authorization: Basic cGFydG5lci1ub3J0aDp4']],
    ['two tokens', ['Authorization: Bearer a', 'authorization: Bearer b']],
    ['a folded header', ['Authorization: Bearer', ' abc']],
  ];

  it.each(ways)('is refused by %s at %s', async (bff, door) => {
    const enter = doors[door] as (typeof doors)[string];
    const statuses = await Promise.all(
      claims.map(async ([what, headers]) => [what, (await enter(bff, headers)).status]),
    );
    expect(statuses.filter(([, status]) => status !== 401 && status !== 400)).toEqual([]);
    const both = await enter(bff, [bearer(good), bearer(good)]);
    expect(both.status).toBe(401);
  });
});

describe('a path in another spelling', () => {
  const spellings = ({ route, otherCase }: { route: string; otherCase: string }): string[] => [
    ...[`${route}/`, `/${route}`, `${route};x=1`, `${route}.`, `${route}%00`, `${route}%20`, `${route}%2e`, otherCase],
    ...[
      route.replace(/\/(?=[^/]*$)/, '%2F'),
      `/x/..${route}`,
      `/x/%2e%2e${route}`,
      `/.${route}`,
      `/openapi.json/..${route}`,
    ],
    ...[`/openapi.json%2f..${route}`, `\\${route}`, `${route}#x`, `${route}/../..${route}`],
  ];

  it.each(names)('leads to nothing of %s, or to what the plain one does', async (bff) => {
    const asked = spellings(bffs[bff]).flatMap((target) =>
      [[], [bearer(good)]].map(async (headers) => {
        const { status, body } = await rawRequest(ports[bff], target + query, headers);
        return { target, status, isIn: body.includes('limit'), withToken: headers.length > 0 };
      }),
    );
    const plain = (await rawRequest(ports[bff], bffs[bff].route + query, [bearer(good)])).status;
    const open = (await Promise.all(asked)).filter(({ status, isIn, withToken }) => {
      const refused = [400, 401, 404, 405].includes(status);
      return withToken ? !refused && status !== plain : !refused || isIn;
    });
    expect(open).toEqual([]);
  });

  it.each(names)('and another method changes nothing of what %s asks for', async (bff) => {
    const route = bffs[bff].route + query;
    for (const target of [route, `http://localhost${route}`, `http://evil.example${route}`]) {
      expect([400, 401, 404]).toContain((await rawRequest(ports[bff], target)).status);
    }
    for (const method of ['HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'PATCH', 'QUERY', 'get', 'GET ']) {
      const { status, body } = await rawRequest(ports[bff], route, ['Content-Length: 0'], method);
      expect([method, [400, 401, 404, 405].includes(status), body.includes('limit')]).toEqual([method, true, false]);
    }
    const plain = await rawRequest(ports[bff], route, [bearer(good)]);
    for (const name of ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override']) {
      const { status } = await rawRequest(ports[bff], route, [bearer(good), `${name}: DELETE`]);
      expect(status).toBe(plain.status);
    }
    for (const name of ['X-Original-URL', 'X-Rewrite-URL', 'X-Forwarded-Prefix', 'X-Forwarded-Path']) {
      expect((await rawRequest(ports[bff], '/openapi.json', [`${name}: ${route}`])).status).toBe(200);
      expect((await rawRequest(ports[bff], route, [`${name}: /openapi.json`])).status).toBe(401);
    }
  });
});

describe('a request that would be two, or write into the answer', () => {
  const smuggled = 'GET /admin HTTP/1.1\r\nHost: localhost\r\n\r\n';
  const bad = (route: string): [string, string][] => [
    ['a bare CR in a header', `GET ${route} HTTP/1.1\r\nHost: localhost\r\nX-A: a\rSet-Cookie: b\r\n\r\n`],
    ['a NUL in a header', `GET ${route} HTTP/1.1\r\nHost: localhost\r\nX-A: a\0b\r\n\r\n`],
    ['a space before the colon', `GET ${route} HTTP/1.1\r\nHost: localhost\r\nAuthorization : Bearer a\r\n\r\n`],
    ['two lengths', `POST ${route} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n`],
    [
      'a length and chunks',
      `POST ${route} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    ],
    [
      'chunks in two words',
      `POST ${route} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${smuggled}`,
    ],
    ['no Host', `GET ${route} HTTP/1.1\r\nConnection: close\r\n\r\n`],
    ['headers without end', `GET ${route} HTTP/1.1\r\nHost: localhost\r\nX-A: ${'a'.repeat(20_000)}\r\n\r\n`],
  ];

  it.each(names)('is refused by %s, and answered once', async (bff) => {
    const answers = await Promise.all(
      bad(bffs[bff].route).map(async ([what, text]) => ({ what, ...(await rawHttp(ports[bff], text)) })),
    );
    const wrong = answers.filter(({ status, head, body }) => {
      return !(status >= 400 && status < 500) || /set-cookie/i.test(head) || body.includes('HTTP/1.1');
    });
    expect(wrong).toEqual([]);
  });

  it.each(names)('gets no header into the answers of %s', async (bff) => {
    const { route } = bffs[bff];
    const answers = await Promise.all([
      rawRequest(ports[bff], `${route}%0d%0aSet-Cookie:%20x=1?y=%0d%0aSet-Cookie:%20x=1`),
      rawRequest(ports[bff], route, ['X-Request-Id: a%0d%0aSet-Cookie: x', 'traceparent: 00-x']),
      rawRequest(ports[bff], route, ['Origin: https://evil.example\u0085Set-Cookie: x']),
    ]);
    for (const { head } of answers) expect(head).not.toMatch(/set-cookie/i);
  });
});
