import { createHttpApp, type HttpApp } from '@tidegate/http';
import { createLogger, createRegistry } from '@tidegate/telemetry';
import path from 'node:path';
import request from 'supertest';
import { AppModule } from '../app.module';
import { Backends } from '../backends-fixture';
import { readConfig } from '../config';

const transaction = {
  ...{ transactionId: 't1', accountId: 'A13', customerId: '13', tenantId: 'north', segment: 'retail', amount: -12.5 },
  ...{ currency: 'USD', balanceAfter: 5, bookedAt: '2026-01-01T00:00:00Z' },
  ...{ customerName: 'Ann Other', accountNumber: 'CH5604835012345678009' },
};
const analyst = { roles: ['retail-analyst'], tenant: 'north', subject: 'ann' };
const question = { principal: analyst, stream: 'transactions', record: transaction };

const environment = {
  ...{ WEB_CLIENT_SECRET: 'x', CATALOG_DIR: path.resolve(__dirname, '../../../../catalog') },
  ...{ KAFKA_BROKERS: '127.0.0.1:1', AUDIT_FLUSH_MS: '0', REDIS_URL: 'redis://127.0.0.1:1' },
  WEB_CATALOG_DIR: path.resolve(__dirname, '../../catalog'),
  CURSOR_KEYS: Buffer.alloc(32, 7).toString('base64url'),
};
const backends = new Backends({});
let app: HttpApp;
let platform: string;

beforeAll(async () => {
  await backends.start();
  const config = readConfig({ ...environment, ISSUER_URL: backends.url });
  const logger = createLogger({ service: 'web', level: 'silent' });
  app = await createHttpApp(AppModule.forRoot(config), { logger, registry: createRegistry() });
  await app.listen(0, '127.0.0.1');
  platform = await backends.token({ roles: ['platform'] });
});

afterAll(async () => {
  await app.close();
  await backends.stop();
});

interface Answer {
  status: number;
  body: { code?: string };
  headers: Record<string, string>;
}

const explain = async (body: object | string, token = platform): Promise<Answer> =>
  request(app.getHttpServer())
    .post('/policy/explain')
    .set('authorization', `Bearer ${token}`)
    .set('content-type', 'application/json')
    .send(body);

describe('POST /policy/explain', () => {
  it('says which grants show a row, by which clauses, and the row as it is seen', async () => {
    const { status, body, headers } = await explain(question);
    expect(status).toBe(200);
    expect(headers['cache-control']).toContain('private');
    const where = 'row.segment == "retail"';
    expect(body).toEqual({
      visible: true,
      grants: [
        { id: 'retail-analyst', matched: true, tenant: true, where, clauses: [{ source: where, verdict: 'match' }] },
      ],
      row: { ...transaction, customerName: '***', accountNumber: '***8009' },
    });
  });

  it('says why a row is not visible', async () => {
    const business = await explain({ ...question, record: { ...transaction, segment: 'business' } });
    expect(business.body).toMatchObject({ visible: false, grants: [{ matched: false, tenant: true }], row: null });
    const south = await explain({ ...question, principal: { ...analyst, tenant: 'south' } });
    expect(south.body).toMatchObject({ visible: false, grants: [{ matched: false, tenant: false }], row: null });
    const { segment: _, ...stripped } = transaction;
    const error = await explain({ ...question, record: stripped });
    expect(error.body).toMatchObject({ visible: false, grants: [{ matched: false, error: 'No such key: segment' }] });
    const nobody = await explain({
      ...question,
      principal: { roles: [], subject: 'x', tenant: null, claims: { a: 1 } },
    });
    expect(nobody.body).toEqual({ visible: false, grants: [], row: null });
  });

  it('is for the platform alone', async () => {
    for (const roles of [['support'], ['retail-analyst'], ['auditor'], []]) {
      const { status, body } = await explain(question, await backends.token({ roles }));
      expect({ status, code: body.code }).toEqual({ status: 403, code: 'permission_denied' });
    }
    const narrowed = await backends.token({ roles: ['platform'], scope: 'orders:read' });
    expect((await explain(question, narrowed)).status).toBe(403);
    const anonymous = await request(app.getHttpServer()).post('/policy/explain').send(question);
    expect(anonymous.status).toBe(401);
  });

  it('answers of an unknown stream 404', async () => {
    for (const stream of ['nothing', '__proto__', 'constructor', 'shop.orders']) {
      const { status, body } = await explain({ ...question, stream });
      expect({ status, code: body.code }).toEqual({ status: 404, code: 'not_found' });
    }
  });

  it.each([
    [{ ...question, role: 'x' }, '/role'],
    [{ ...question, principal: { ...analyst, role: 'x' } }, '/principal/role'],
    [{ ...question, principal: { ...analyst, roles: 'x' } }, '/principal/roles'],
    [{ ...question, principal: { ...analyst, roles: [5] } }, '/principal/roles/0'],
    [{ ...question, principal: { ...analyst, tenant: ['north'] } }, '/principal/tenant'],
    [{ ...question, principal: { roles: [], tenant: 'north' } }, '/principal/subject'],
    [{ ...question, principal: { ...analyst, claims: [] } }, '/principal/claims'],
    [{ ...question, stream: '' }, '/stream'],
    [{ ...question, record: [transaction] }, '/record'],
    [{ ...question, record: 'x' }, '/record'],
    [{ principal: analyst, stream: 'transactions' }, '/record'],
    [
      JSON.stringify(question).replace('"segment":', '"__proto__":{"segment":"retail"},"segment":'),
      '/record/__proto__',
    ],
    [JSON.stringify(question).replace('"segment":', '"segment":"business","segment":'), '/record/segment'],
  ])('refuses %j with a pointer', async (body, pointer) => {
    const { status, body: problem } = await explain(body);
    expect(status).toBe(400);
    expect(problem).toMatchObject({ code: 'invalid_argument', errors: [{ pointer }] });
  });

  it('takes no body beyond the limit, nor one nested without end', async () => {
    expect((await explain({ ...question, record: { text: 'x'.repeat(65_536) } })).status).toBe(413);
    const deep = `{"record":${'['.repeat(1_000)}${']'.repeat(1_000)}}`;
    expect((await explain(deep)).status).toBe(400);
  });

  it('stands in the OpenAPI document with both schemas', async () => {
    const { text } = await request(app.getHttpServer()).get('/openapi.json');
    const { paths } = JSON.parse(text) as { paths: Record<string, { post: object }> };
    const { post } = paths['/policy/explain'] ?? {};
    expect(post).toMatchObject({ operationId: 'explainPolicy', requestBody: { required: true } });
    expect(JSON.stringify(post)).toContain('clauses');
  });
});

describe('MASK_KEY', () => {
  it('may be left out, and is refused by name when it is short', () => {
    const key = (bytes: number) => Buffer.alloc(bytes, 7).toString('base64url');
    expect(readConfig(environment).streams.maskKey).toBeUndefined();
    expect(readConfig({ ...environment, MASK_KEY: key(32) }).streams.maskKey).toHaveLength(32);
    expect(() => readConfig({ ...environment, MASK_KEY: key(31) })).toThrow(/MASK_KEY/);
    expect(() => readConfig({ ...environment, MASK_KEY: key(31) })).not.toThrow(new RegExp(key(31)));
  });
});
