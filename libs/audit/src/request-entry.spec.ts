import type { Principal } from '@tidegate/auth';
import { auditEventSchema } from '@tidegate/contracts';
import { requestContext } from '@tidegate/telemetry';
import fc from 'fast-check';
import { anonymous } from './actor';
import { withheld } from './clean';
import { activityEvent } from './event';
import { auditNotes } from './notes';
import { refusedStreamEntry, requestEntry, type RequestFacts } from './request-entry';

const principal: Principal = {
  ...{ subject: '13', tenant: 'north', roles: ['customer'], expiresAtMs: 0 },
  claims: { email: 'ada@x.test', secretClaim: 'hunter2' },
};

function facts(over: Partial<RequestFacts> = {}): RequestFacts {
  return {
    ...{ method: 'GET', route: '/orders/:orderId', principal, status: 200, outcome: 'ok' },
    ...{ latencyMs: 1.26, requestId: 'r1', address: '127.0.0.1', userAgent: 'phone/1' },
    ...over,
  };
}

function textOf(over: Partial<RequestFacts>): string {
  const event = activityEvent(requestEntry(facts(over)), {
    app: 'mobile',
    boot: 'b',
    seq: 1,
    timeMs: 1_700_000_000_000,
  });
  auditEventSchema.parse(event);
  return JSON.stringify(event);
}

const jwt = `eyJhbGciOiJFUzI1NiJ9.${'eyJzdWIiOiIxMyJ9'}.c2lnbmF0dXJlLXRoYXQtaXMtc2VjcmV0`;
const apiKey = 'tg_live_k7Q2_0123456789abcdefghijABCDEFGHIJ_9f8e7d6c';
const deviceToken = '01026553f100'.padEnd(44, 'a1');

describe('requestEntry()', () => {
  it('names the pattern of the path, the ids in it and the names of the query', () => {
    const entry = requestEntry(facts({ params: { orderId: '31198570044' }, queryNames: ['limit', 'after', 'limit'] }));
    expect(entry).toMatchObject({
      ...{ type: 'request', operation: 'GET /orders/:orderId', action: 'read', decision: 'allow', outcome: 'ok' },
      resource: { route: '/orders/:orderId', ids: { orderId: '31198570044' }, query: ['limit', 'after'] },
      actor: { type: 'user', subject: '13', tenant: 'north', roles: ['customer'], method: 'bearer' },
      ...{ status: 200, latencyMs: 1.3, requestId: 'r1', address: '127.0.0.1', userAgent: 'phone/1' },
    });
  });

  it.each([
    ['unauthenticated', 401, 'deny'],
    ['permission_denied', 403, 'deny'],
    ['not_found', 404, 'deny'],
    ['rate_limited', 429, 'deny'],
    ['malformed', 400, 'none'],
    ['too_large', 413, 'none'],
    ['unavailable', 503, 'allow'],
    ['internal', 500, 'allow'],
  ])('takes %s for %s: %s', (outcome, status, decision) => {
    const entry = requestEntry(facts({ outcome, status, principal: undefined }));
    expect(entry).toMatchObject({ decision, outcome, status, actor: anonymous });
  });

  it.each([
    ['GET', 'read'],
    ['HEAD', 'read'],
    ['WEBSOCKET', 'read'],
    ['POST', 'write'],
    ['PUT', 'write'],
    ['DELETE', 'write'],
    ['PROPFIND', 'write'],
  ])('takes %s for a %s', (method, action) => {
    expect(requestEntry(facts({ method })).action).toBe(action);
  });

  it.each<[what: string, secret: string, over: Partial<RequestFacts>]>([
    ['a token as an id', jwt, { params: { orderId: jwt } }],
    ['an API key as an id', apiKey, { params: { orderId: apiKey } }],
    ['a device token as an id', deviceToken, { params: { deviceId: deviceToken } }],
    [
      'the secret part of a key as an id',
      '0123456789abcdefghijABCDEFGHIJkl',
      { params: { id: '0123456789abcdefghijABCDEFGHIJkl' } },
    ],
    ['a token behind a good id', jwt, { params: { orderId: `o1.${jwt}` } }],
    ['an id with a line break', 'a\nb', { params: { orderId: 'a\nb' } }],
    ['a percent-encoded key', '%74g_live', { params: { orderId: '%74g_live_k_s_c' } }],
    ['a query name that is a token', jwt, { queryNames: [jwt] }],
    ['a query name that is an API key', apiKey, { queryNames: [apiKey] }],
    ['a query name that is a secret part', 'k7Q2secret99', { queryNames: ['k7Q2secret99'] }],
    ['a token in the user agent', jwt, { userAgent: `curl ${jwt}` }],
    ['a bearer in the user agent', 'abcdefghijklmnop', { userAgent: 'Bearer abcdefghijklmnop' }],
    ['an API key in the user agent', apiKey, { userAgent: apiKey }],
    ['a token across the cut of the user agent', jwt.slice(0, 40), { userAgent: `${'x'.repeat(230)} ${jwt}` }],
    ['a token as the request id', jwt, { requestId: jwt }],
    ['a method that is none', 'hunter2', { method: 'hunter2' }],
    ['a claim', 'hunter2', {}],
    ['a personal claim', 'ada@x.test', {}],
  ])('keeps %s out', (_what, secret, over) => {
    const text = textOf(over);
    expect(text).not.toContain(secret);
    expect(text).not.toContain(JSON.stringify(secret).slice(1, -1));
  });

  it.each(['31198570044', 'A13', 'north/meter-7'.replace('/', ':'), '6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'orders'])(
    'keeps the id %s',
    (id) => {
      expect(requestEntry(facts({ params: { id } })).resource.ids).toEqual({ id });
    },
  );

  it('keeps no id longer than 64 characters and no more than 16 names', () => {
    const id = (length: number) => 'ab.'.repeat(30).slice(0, length);
    expect(requestEntry(facts({ params: { id: id(64) } })).resource.ids).toEqual({ id: id(64) });
    expect(requestEntry(facts({ params: { id: id(65) } })).resource.ids).toEqual({ id: withheld });
    const names = Array.from({ length: 17 }, (_, index) => `q${'x'.repeat(index)}`);
    expect(requestEntry(facts({ queryNames: names })).resource.query).toEqual(names.slice(0, 16));
  });

  it('is bounded and keeps its contract, whatever a client sends', () => {
    const any = fc.string({ unit: 'binary', maxLength: 3_000 });
    fc.assert(
      fc.property(any, any, any, any, any, (method, id, name, userAgent, requestId) => {
        const text = textOf({ method, params: { id }, queryNames: [name], userAgent, requestId });
        expect(text.length).toBeLessThan(4_000);
      }),
      { numRuns: 200 },
    );
  });

  it('adds what was noted while the request was served, and nothing of another one', () => {
    const contexts = [{ requestId: 'a' }, { requestId: 'b' }];
    const [first, second] = contexts.map((context) =>
      requestContext.run(context, () => {
        auditNotes.add({ stream: 'orders', grants: ['g1', 'g2'], policyVersion: 'v1', given: 2, heldBack: 1 });
        if (context.requestId === 'a') auditNotes.add({ stream: 'accounts', grants: ['g1'], given: 1, heldBack: 0 });
        return requestEntry(facts({ notes: auditNotes.of(context) }));
      }),
    );
    expect(first).toMatchObject({
      ...{ grants: ['g1', 'g2'], policyVersion: 'v1', rows: { given: 3, heldBack: 1 } },
      resource: { streams: ['orders', 'accounts'] },
    });
    expect(second).toMatchObject({ rows: { given: 2, heldBack: 1 }, resource: { streams: ['orders'] } });
    expect(() => auditNotes.add({ stream: 'orders' })).not.toThrow();
  });

  it('tells people, clients and keys apart', () => {
    const actor = (over: object) => requestEntry(facts({ principal: { ...principal, ...over } })).actor;
    expect(actor({ clientId: 'app' })).toMatchObject({ type: 'user', method: 'bearer', credentialId: 'app' });
    expect(actor({ subject: 'app', clientId: 'app' })).toMatchObject({ type: 'client', method: 'bearer' });
    expect(actor({ method: 'api-key', credentialId: 'k7Q2' })).toMatchObject({
      ...{ type: 'client', method: 'api-key', credentialId: 'k7Q2' },
    });
  });
});

describe('refusedStreamEntry()', () => {
  it('tells of denials only, and repeats no credential', () => {
    const refused = (code: 'not_found' | 'invalid_argument', stream: string) =>
      refusedStreamEntry({ principal, stream, code, requestId: 'r1' });
    expect(refused('invalid_argument', 'orders')).toBeUndefined();
    expect(refused('not_found', 'secrets')).toMatchObject({
      ...{ type: 'stream.refused', decision: 'deny', outcome: 'not_found', resource: { streams: ['secrets'] } },
      ...{ actor: { subject: '13' }, requestId: 'r1' },
    });
    expect(refused('not_found', jwt)?.resource).toEqual({ streams: [withheld] });
  });
});
