import { AppError } from '@tidegate/errors';
import type request from 'supertest';
import { movement, PartnerApp } from '../partner-app.fixture';

interface Answered {
  status: number;
  headers: Record<string, string>;
  body: object;
}

const answer = async (test: request.Test): Promise<Answered> => test;

const partner = new PartnerApp();

beforeAll(() => partner.start());
beforeEach(() => partner.reset());
afterAll(() => partner.stop());

describe('POST /v1/transactions', () => {
  it('answers where Kafka has the request, the offset with all its digits', async () => {
    const { status, body } = await answer(partner.post({ ...movement, reference: 'invoice 7' }));
    expect(status).toBe(201);
    expect(body).toEqual({
      transactionId: expect.stringMatching(/^[\da-f-]{36}$/) as string,
      topic: 'bank.transaction-requests',
      partition: 3,
      offset: '9007199254740993',
    });
    expect(partner.posted).toHaveBeenCalledWith({
      ...movement,
      reference: 'invoice 7',
      transactionId: (body as { transactionId: string }).transactionId,
      tenantId: 'north',
      clientId: 'partner-north',
      requestedAt: expect.stringMatching(/^\d{4}-.*Z$/) as string,
    });
  });

  it('takes another id each time without a key, and for a key always the same one', async () => {
    const idOf = async (test: request.Test) => ((await test) as { body: { transactionId: string } }).body.transactionId;
    expect(await idOf(partner.post())).not.toBe(await idOf(partner.post()));
    partner.posted.mockRejectedValueOnce(new AppError('unavailable', 'lost', { outcome: 'unknown' }));
    await partner.post(movement, 'id-1').expect(503);
    const id = await idOf(partner.post(movement, 'id-1'));
    expect(id).toMatch(/^.{14}5/);
    expect(partner.posted.mock.calls.slice(-2).map(([{ transactionId }]) => transactionId)).toEqual([id, id]);
    partner.backends.account('account-15', 'south');
    const theirs = partner
      .http()
      .post('/v1/transactions')
      .set('x-api-key', partner.key('south'))
      .set('idempotency-key', 'id-1');
    expect(await idOf(theirs.send({ ...movement, accountId: 'account-15' }))).not.toBe(id);
  });

  it('gives the first answer again, to both keys of the client, and asks nobody', async () => {
    const first = await partner.post(movement, 'again-1').expect(201);
    partner.posted.mockResolvedValue({ topic: 'bank.transaction-requests', partition: 0, offset: '1' });
    partner.backends.accounts.clear();
    const again = await partner.post(movement, 'again-1').set('x-api-key', partner.key('other'));
    expect(again.status).toBe(201);
    expect(again.body).toEqual(first.body);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(first.headers).not.toHaveProperty('idempotency-replayed');
    expect(partner.posted).toHaveBeenCalledTimes(1);
  });

  it('refuses a key with another body, and one whose first request is in work', async () => {
    let finish: () => void = () => undefined;
    partner.posted.mockImplementation(
      () =>
        new Promise((resolve) => {
          finish = () => resolve({ topic: 't', partition: 0, offset: '0' });
        }),
    );
    const first = partner.post(movement, 'busy-1').then(({ status }) => status);
    while (partner.posted.mock.calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const second = await partner.post(movement, 'busy-1');
    expect(second).toMatchObject({ status: 409, body: { code: 'conflict' } });
    expect(second.headers['retry-after']).toBe('1');
    const other = await partner.post({ ...movement, amount: 1 }, 'busy-1');
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_mismatch' } });
    finish();
    expect(await first).toBe(201);
  });

  it('says that the outcome is unknown, and takes the same key again for the same transaction', async () => {
    partner.posted.mockRejectedValue(
      new AppError('unavailable', 'Unknown.', { outcome: 'unknown', retryAfterMs: 2_000 }),
    );
    const { status, body, headers } = await answer(partner.post(movement, 'lost-1'));
    expect([status, headers['retry-after']]).toEqual([503, '2']);
    expect(body).toMatchObject({ code: 'unavailable', outcome: 'unknown' });
    partner.posted.mockResolvedValue({ topic: 't', partition: 0, offset: '1' });
    await partner.post(movement, 'lost-1').expect(201);
    const [first, second] = partner.posted.mock.calls.map(([{ transactionId }]) => transactionId);
    expect(first).toBe(second);
  });

  it('says 503 with Retry-After while Kafka is away, and that nothing was done', async () => {
    partner.posted.mockRestore();
    const { status, body, headers } = await answer(partner.post());
    expect([status, headers['retry-after']]).toEqual([503, '2']);
    expect(body).toMatchObject({ code: 'unavailable' });
    expect(body).not.toHaveProperty('outcome');
  });

  it('answers an account of another tenant and one that does not exist alike', async () => {
    const [foreign, unknown] = [
      await partner.post({ ...movement, accountId: 'account-14' }),
      await partner.post({ ...movement, accountId: 'x' }),
    ];
    const told = ({ status, body }: request.Response) => ({ status, ...(body as object), requestId: undefined });
    expect(told(foreign)).toEqual(told(unknown));
    expect(foreign.status).toBe(404);
    expect(partner.posted).not.toHaveBeenCalled();
  });

  it('refuses a currency that the account is not kept in', async () => {
    const { status, body } = await answer(partner.post({ ...movement, currency: 'EUR' }));
    expect(status).toBe(422);
    expect(body).toMatchObject({ code: 'unprocessable', errors: [{ pointer: '/currency' }] });
  });

  it.each<[what: string, status: number, code: string]>([
    ['fails', 502, 'upstream_failed'],
    ['never answers', 504, 'timeout'],
  ])('passes on that the accounts service %s', async (what, status, code) => {
    partner.backends.accounts.set('/accounts/account-13', (_request, response) => {
      if (what === 'fails') response.writeHead(500).end('{}');
    });
    expect(await partner.post()).toMatchObject({ status, body: { code } });
    expect(partner.posted).not.toHaveBeenCalled();
  });

  it.each([0.01, -0.01, 1e9, -1e9, 1.1, 999_999_999.99])('takes the amount %d', async (amount) => {
    await partner.post({ ...movement, amount }).expect(201);
  });

  it.each<[what: string, body: object, pointer: string]>([
    ['an amount of zero', { ...movement, amount: 0 }, '/amount'],
    ['three decimals', { ...movement, amount: 1.001 }, '/amount'],
    ['too large an amount', { ...movement, amount: 1e9 + 0.01 }, '/amount'],
    ['too small an amount', { ...movement, amount: -1e9 - 0.01 }, '/amount'],
    ['an amount as text', { ...movement, amount: '12.5' }, '/amount'],
    ['no amount', { accountId: 'a', currency: 'USD' }, '/amount'],
    ['a currency in small letters', { ...movement, currency: 'usd' }, '/currency'],
    ['an empty account', { ...movement, accountId: '' }, '/accountId'],
    ['an account that is a path', { ...movement, accountId: '../customers/13' }, '/accountId'],
    ['a longer account', { ...movement, accountId: 'a'.repeat(65) }, '/accountId'],
    ['an empty reference', { ...movement, reference: '' }, '/reference'],
    ['a longer reference', { ...movement, reference: 'r'.repeat(141) }, '/reference'],
    ['a reference with control characters', { ...movement, reference: 'a\u0000b' }, '/reference'],
    ['a tenant', { ...movement, tenantId: 'south' }, '/tenantId'],
    ['an id', { ...movement, transactionId: '1' }, '/transactionId'],
  ])('refuses %s', async (_what, body, pointer) => {
    const response = (await partner.post(body)) as { status: number; body: { errors: { pointer: string }[] } };
    expect(response.status).toBe(400);
    expect(response.body.errors.map((error) => error.pointer)).toEqual([pointer]);
    expect(partner.posted).not.toHaveBeenCalled();
  });

  it('takes the longest account and reference', async () => {
    partner.backends.account('a'.repeat(64), 'north');
    await partner.post({ ...movement, accountId: 'a'.repeat(64), reference: 'r'.repeat(140) }).expect(201);
  });

  it.each<[what: string, type: string, body: string, status: number]>([
    ['half a body', 'application/json', '{"accountId":', 400],
    ['no body', 'application/json', '', 400],
    ['a list', 'application/json', '[]', 400],
    ['a field twice', 'application/json', '{"amount":1,"amount":2}', 400],
    ['a form', 'application/x-www-form-urlencoded', 'amount=1', 415],
    ['text', 'text/plain', '{}', 415],
    ['a body beyond 64 KiB', 'application/json', JSON.stringify({ reference: 'r'.repeat(65_536) }), 413],
  ])('refuses %s', async (_what, type, body, status) => {
    const response = await partner
      .http()
      .post('/v1/transactions')
      .set('x-api-key', partner.key('north'))
      .set('content-type', type)
      .send(body);
    expect(response.status).toBe(status);
    expect(response.headers['content-type']).toContain('application/problem+json');
  });

  it.each(['a b', 'a'.repeat(256)])('refuses the Idempotency-Key %j', async (key) => {
    expect(await partner.post(movement, key)).toMatchObject({ status: 400, body: { code: 'invalid_argument' } });
  });
});

describe('GET /v1/transactions', () => {
  it('begins at the oldest row, and goes on behind a cursor', async () => {
    expect((await partner.list()).body).toEqual({ items: [{ transactionId: 't1' }], next: 'c1' });
    await partner.list('?limit=7&after=c1').expect(200);
    expect(partner.read.mock.calls.map(([, stream, options]) => [stream, options])).toEqual([
      ['transactions', { from: 'earliest', limit: 100, waitMs: 0 }],
      ['transactions', { after: 'c1', limit: 7, waitMs: 0 }],
    ]);
  });

  it('ends when there is nothing more, and only then', async () => {
    const page = { records: [], gone: [], cursor: 'c2', gap: null };
    partner.read.mockResolvedValueOnce({ ...page, caughtUp: true });
    expect((await partner.list('?after=c1')).body).toEqual({ items: [], next: null });
    partner.read.mockResolvedValueOnce({ ...page, caughtUp: false });
    expect((await partner.list('?after=c1')).body).toEqual({ items: [], next: 'c2' });
  });

  it('says when rows can no longer be had', async () => {
    partner.read.mockResolvedValueOnce({
      records: [],
      gone: [],
      cursor: 'c2',
      gap: { reason: 'retention' },
      caughtUp: true,
    });
    expect((await partner.list('?after=c1')).body).toEqual({ items: [], next: null, gap: { reason: 'retention' } });
  });

  it.each(['limit=0', 'limit=1001', 'limit=x', 'limit=', 'after=', 'colour=red', 'tenantId=south', 'api_key=1'])(
    'refuses ?%s',
    async (query) => {
      const response = (await partner.list(`?${query}`)) as { status: number; body: { errors: { pointer: string }[] } };
      expect(response.status).toBe(400);
      expect(response.body.errors[0]?.pointer).toBe(`/${query.split('=')[0]}`);
    },
  );

  it.each(['limit=1', 'limit=1000', 'from=latest', 'from=2026-01-31T12:00:00Z'])('takes ?%s', async (query) => {
    await partner.list(`?${query}`).expect(200);
  });

  it('refuses a cursor that is none, and a start that is none', async () => {
    partner.read.mockRestore();
    expect(await partner.list('?after=abc')).toMatchObject({ status: 400, body: { code: 'invalid_cursor' } });
    expect(await partner.list('?from=yesterday')).toMatchObject({ status: 400, body: { code: 'invalid_argument' } });
  });
});
