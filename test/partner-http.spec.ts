import { auditEventSchema, topics, type JsonObject } from '@tidegate/contracts';
import { Producer } from '@tidegate/kafka';
import { createLogger, createRegistry } from '@tidegate/telemetry';
import { decodeJwt, exportJWK, generateKeyPair } from 'jose';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';
import { DpopHolder } from './support/dpop-holder';
import { House, type Bff } from './support/house';
import { PartnerClient, type PartnerAnswer } from './support/partner-client';
import { PartnerStream } from './support/partner-stream';
import { PartnerTokens } from './support/partner-tokens';
import { TopicLog, type LoggedRecord } from './support/topic-log';

// Household 13 banks in the north, 14 in the south.
const settlingAmount = 0.01;
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
/** Under which both replicas are reached. */
const publicUrl = 'https://partner.example';
const now = (): string => new Date().toISOString();
const movement = { accountId: 'account-13', amount: 12.5, currency: 'USD', reference: 'refund 7' };

describe('a partner', () => {
  let house: House;
  let replicaA: Bff;
  let replicaB: Bff;
  let north: PartnerClient;
  let south: PartnerClient;
  let service: string;
  let requests: TopicLog;
  let transactions: TopicLog;

  const balance = async (account: string): Promise<number> => {
    const response = await fetch(`${house.serviceUrl('accounts')}/accounts/${account}`, {
      headers: { authorization: `Bearer ${service}` },
    });
    return ((await response.json()) as { balance: number }).balance;
  };

  const booked = (transactionId: string): JsonObject[] =>
    transactions.records.filter(({ value }) => value['transactionId'] === transactionId).map(({ value }) => value);

  const untilBooked = (...ids: string[]): Promise<void> =>
    transactions.until(() => ids.every((id) => booked(id).length > 0), 60_000);

  /** A later movement of the account was booked, so that whatever was asked for before it is settled. */
  const settle = async (): Promise<void> => {
    const last = await north.post({ ...movement, amount: settlingAmount });
    await untilBooked(last.body.transactionId);
  };

  /** Straight into the topic, as no partner can. */
  const write = async (...values: unknown[]): Promise<void> => {
    const logger = createLogger({ service: 'test', level: 'silent' });
    const producer = new Producer({ brokers: [...house.kafka.brokers] }, { logger, registry: createRegistry() });
    const topic = topics.transactionRequests;
    for (const value of values) await producer.send({ topic, key: 'account-13', value: JSON.stringify(value) });
    await producer.close();
  };

  beforeAll(async () => {
    house = await House.start();
    const start = (replica: string): Promise<Bff> => house.startPartner(replica, 'ready', { PUBLIC_URLS: publicUrl });
    [replicaA, replicaB] = await Promise.all([start('partner-a'), start('partner-b')]);
    north = new PartnerClient(replicaA.url, house.apiKeys.issue('partner-north'));
    south = new PartnerClient(replicaA.url, house.apiKeys.issue('partner-south'));
    service = await house.token({ role: 'service' });
    [requests, transactions] = await Promise.all([
      TopicLog.open(house.kafka.brokers, topics.transactionRequests, 'latest'),
      TopicLog.open(house.kafka.brokers, topics.transactions, 'latest'),
    ]);
    await sleep(1_200);
  }, 180_000);

  afterAll(async () => {
    await Promise.all([requests?.close(), transactions?.close()]);
    await house?.stop();
  }, 60_000);

  it('posts a movement that is in Kafka where the answer says, is booked, and changes the balance', async () => {
    const before = await balance('account-13');
    const { status, body } = await north.post(movement, 'first');
    expect(status).toBe(201);
    expect(body).toEqual({
      transactionId: expect.stringMatching(
        /^[\da-f]{8}-[\da-f]{4}-5[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/,
      ) as string,
      topic: topics.transactionRequests,
      partition: expect.any(Number) as number,
      offset: expect.stringMatching(/^\d+$/) as string,
    });
    await requests.until((records) => records.length > 0);
    expect(requests.records[0]).toMatchObject({
      key: 'account-13',
      partition: body.partition,
      value: { ...movement, transactionId: body.transactionId, tenantId: 'north', clientId: 'partner-north' },
    });
    await untilBooked(body.transactionId);
    const after = Math.round((before + 12.5) * 100) / 100;
    expect(booked(body.transactionId)).toMatchObject([{ amount: 12.5, balanceAfter: after, tenantId: 'north' }]);
    expect(await balance('account-13')).toBe(after);
  }, 60_000);

  it('finds it in its list behind masks, and the other tenant does not', async () => {
    const { body } = await north.post({ ...movement, amount: -0.01 });
    await untilBooked(body.transactionId);
    const own = await north.list();
    const row = own.find(({ transactionId }) => transactionId === body.transactionId);
    expect(row).toMatchObject({ amount: -0.01, customerName: '***' });
    expect(row?.['accountNumber']).toMatch(/^\*\*\*.{4}$/);
    expect(new Set(own.map(({ tenantId }) => tenantId))).toEqual(new Set(['north']));
    const theirs = await south.list();
    expect(new Set(theirs.map(({ tenantId }) => tenantId))).toEqual(new Set(['south']));
    expect(own.length + theirs.length).toBeGreaterThan(16_601);
  }, 60_000);

  it('gets the first answer again at every replica, and the movement is booked once', async () => {
    const other = new PartnerClient(replicaB.url, north.key);
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, attempt) => (attempt % 2 === 0 ? north : other).post(movement, 'twice')),
    );
    const taken = answers.filter(({ status }) => status === 201);
    expect(taken.length).toBeGreaterThan(0);
    expect(answers.filter(({ status }) => status === 409).length).toBe(10 - taken.length);
    const again = await other.post(movement, 'twice');
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true']);
    expect(new Set([...taken, again].map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect((await north.post({ ...movement, amount: 1 }, 'twice')).status).toBe(422);
    await untilBooked(again.body.transactionId);
    await settle();
    expect(booked(again.body.transactionId)).toHaveLength(1);
  }, 60_000);

  it('is booked once also when the request stands in Kafka more than once, and never on foreign accounts', async () => {
    const before = await balance('account-13');
    const request = { transactionId: randomUUID(), ...movement, tenantId: 'north', clientId: 'x', requestedAt: now() };
    const bad = [
      { ...request, transactionId: randomUUID(), tenantId: 'south' },
      { ...request, transactionId: randomUUID(), currency: 'EUR' },
      { ...request, transactionId: randomUUID(), accountId: 'account-999999' },
      { ...request, transactionId: randomUUID(), amount: 0 },
      { ...request, transactionId: 'no uuid' },
    ];
    await write(bad[0], request, bad[1], request, bad[2], { ...request, amount: 1_000 }, bad[3], bad[4], 'no object');
    await untilBooked(request.transactionId);
    await settle();
    expect(booked(request.transactionId)).toMatchObject([{ amount: 12.5 }]);
    expect(bad.flatMap(({ transactionId }) => booked(transactionId))).toEqual([]);
    expect(await balance('account-13')).toBe(Math.round((before + 12.5 + settlingAmount) * 100) / 100);
  }, 60_000);

  it('follows the stream with its key over WebSocket and SSE until the key is revoked', async () => {
    const key = house.apiKeys.issue('partner-north');
    await sleep(1_200);
    const headers = { 'x-api-key': key };
    const socket = new WebSocket(`${replicaA.url.replace('http', 'ws')}/streams/transactions`, ['tidegate.v1'], {
      headers,
    });
    const frames: string[] = [];
    socket.on('message', (data: Buffer) => frames.push(data.toString()));
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    const events = await fetch(`${replicaB.url}/streams/transactions`, {
      headers: { ...headers, accept: 'text/event-stream' },
    });
    expect(events.status).toBe(200);
    const { body } = await north.post(movement);
    while (!frames.some((frame) => frame.includes(body.transactionId))) await sleep(20);
    house.apiKeys.revoke(key);
    const revokedAtMs = Date.now();
    expect(await closed).toBe(4403);
    const text = await events.text();
    expect(Date.now() - revokedAtMs).toBeLessThan(5_000);
    expect(text).toContain(body.transactionId);
    expect(text).toContain('event: bye');
    expect((await new PartnerClient(replicaA.url, key).page()).status).toBe(401);
    expect((await north.page('?limit=1')).status).toBe(200);
  }, 60_000);

  it('comes with tokens by its secret or by its key, for no more than they are for', async () => {
    const tokens = new PartnerTokens(house.issuerUrl, house.shop.directory);
    const get = async (token: string): Promise<{ status: number; tenants: unknown[] }> => {
      const response = await fetch(`${replicaA.url}/v1/transactions?limit=5`, { headers: bearer(token) });
      const { items = [] } = (await response.json()) as { items?: JsonObject[] };
      return { status: response.status, tenants: [...new Set(items.map(({ tenantId }) => tenantId))] };
    };
    const post = async (token: string): Promise<number> => {
      const headers = { ...bearer(token), 'content-type': 'application/json' };
      const body = JSON.stringify(movement);
      return (await fetch(`${replicaA.url}/v1/transactions`, { method: 'POST', headers, body })).status;
    };
    const bySecret = await tokens.bySecret({ scope: 'transactions:read' });
    expect(await get(bySecret.token)).toEqual({ status: 200, tenants: ['north'] });
    expect(await post(bySecret.token)).toBe(403);
    const byKey = await tokens.byKey();
    expect(await get(byKey.token)).toEqual({ status: 200, tenants: ['south'] });
    expect((await byKey.again()).status).toBe(401);
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const refused = await Promise.all([
      tokens.byKey({}, await exportJWK(privateKey)),
      ...[{ exp: 1 }, { aud: 'https://elsewhere.example' }, { iss: 'partner-north' }].map((wrong) =>
        tokens.byKey(wrong),
      ),
    ]);
    for (const { status, token } of refused) expect([status >= 400 && status < 500, token]).toEqual([true, '']);
  }, 30_000);

  it('shows a token that is bound to its key with a proof, which is good once on all replicas together', async () => {
    const holder = await DpopHolder.create();
    const tokens = new PartnerTokens(house.issuerUrl, house.shop.directory);
    const { token } = await tokens.bySecret({}, await holder.proof('', 'POST', `${house.issuerUrl}/token`));
    const proof = await holder.proof(token, 'GET', `${publicUrl}/v1/transactions`);
    const ask = async ({ url }: Bff, headers: Record<string, string>): Promise<number> =>
      (await fetch(`${url}/v1/transactions?limit=1`, { headers })).status;
    const shown = { authorization: `DPoP ${token}`, dpop: proof };
    const statuses = [await ask(replicaA, bearer(token)), await ask(replicaA, shown), await ask(replicaB, shown)];
    expect(statuses).toEqual([401, 200, 401]);
  });

  it('loses its streams on every replica within five seconds of its key, its token or its right to come', async () => {
    const platform = bearer(await house.token({ role: 'platform' }));
    const admin = (method: string, target: string, body?: object): Promise<Response> =>
      fetch(`${replicaA.url}/admin/${target}`, {
        method,
        headers: { ...platform, ...(body !== undefined && { 'content-type': 'application/json' }) },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
    const wanted = { client: 'partner-east', tenant: 'north', roles: ['partner'], scopes: ['transactions:read'] };
    const { id, key } = (await (await admin('POST', 'api-keys', wanted)).json()) as { id: string; key: string };
    const leaver = await house.token({ role: 'partner', subject: 'leaver', tenant: 'north' });
    const shortLived = { role: 'partner', subject: 'guest', tenant: 'north', expiresInSeconds: 10 };
    const open = (headers: Record<string, string>): Promise<PartnerStream[]> =>
      Promise.all([replicaA, replicaB].map(({ url }) => PartnerStream.open(url, headers)));
    const guest = await house.shop.issue(shortLived);
    const guestEndsMs = Number(decodeJwt(guest).exp) * 1_000;
    const guests = await open(bearer(guest));
    const known = new PartnerClient(replicaB.url, key);
    while ((await known.page('?limit=1')).status !== 200) await sleep(50);
    const [kept, keyed, leavers] = await Promise.all([
      open({ 'x-api-key': north.key }),
      open({ 'x-api-key': key }),
      open(bearer(leaver)),
    ]);
    const [revoked, signedOut] = await Promise.all([
      admin('DELETE', `api-keys/${id}`),
      admin('POST', 'sign-outs', { subject: 'leaver', tenant: 'north' }),
    ]);
    const takenAtMs = Date.now();
    expect([revoked.status, signedOut.status]).toEqual([204, 204]);
    for (const stream of [...keyed, ...leavers]) {
      const { code, atMs } = await stream.ended;
      expect([code, atMs - takenAtMs < 5_000]).toEqual([4403, true]);
    }
    for (const stream of guests) {
      const { code, atMs } = await stream.ended;
      expect([code, atMs - guestEndsMs < 5_000]).toEqual([4401, true]);
    }
    expect((await known.page()).status).toBe(401);
    expect((await fetch(`${replicaB.url}/v1/transactions`, { headers: bearer(leaver) })).status).toBe(401);
    expect(kept.map(({ isOpen }) => isOpen)).toEqual([true, true]);
    for (const stream of kept) stream.cut();
  }, 60_000);

  it('leaves an audit event of each request, and no secret in it', async () => {
    const audit = await TopicLog.open(house.kafka.brokers, topics.audit, 'earliest');
    const { body } = await north.post({ ...movement, reference: 'audited' }, 'audited-1');
    const ranges = [{ partition: body.partition, from: body.offset, to: String(BigInt(body.offset) + 1n) }];
    const written = (records: readonly LoggedRecord[]): boolean =>
      records.some(({ value }) => JSON.stringify(value).includes(JSON.stringify([{ topic: body.topic, ranges }])));
    await audit.until(written);
    const event = audit.records.find((record) => written([record]))?.value;
    expect(auditEventSchema.parse(event)).toMatchObject({
      data: {
        actor: { subject: 'partner-north', tenant: 'north', method: 'api-key', credentialId: north.key.split('_')[2] },
        action: 'write',
        decision: 'allow',
        grants: ['partner-transactions'],
      },
    });
    const all = JSON.stringify(audit.records);
    for (const { key } of [north, south]) expect(all).not.toContain(key.split('_')[3]);
    await audit.close();
  }, 60_000);

  it('answers 503 with Retry-After to requests with a key while Redis is away, and takes the others', async () => {
    await house.redis.kill();
    const refused = await north.post(movement, 'no-redis');
    expect([refused.status, refused.body.code]).toEqual([503, 'unavailable']);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    const { status, body } = await north.post(movement);
    expect(status).toBe(201);
    await house.redis.restart();
    for (let answer = refused; answer.status !== 201; await sleep(200)) answer = await north.post(movement, 'no-redis');
    await untilBooked(body.transactionId);
  }, 60_000);

  it('hears 503 within ten seconds while Kafka is away or hangs, never a false success, and loses nothing', async () => {
    const [broker] = house.kafka.nodes;
    const accepted = new Set<string>();
    const refused: PartnerAnswer[] = [];
    const post = async (key: string): Promise<PartnerAnswer> => {
      const startedAtMs = Date.now();
      const answer = await north.post(movement, key);
      expect(Date.now() - startedAtMs).toBeLessThan(10_000);
      if (answer.status === 201) accepted.add(answer.body.transactionId);
      else refused.push(answer);
      return answer;
    };
    const load = (async () => {
      for (let count = 0; count < 40; count++) {
        await Promise.all([post(`kill-${count}`), sleep(25)]);
      }
    })();
    await sleep(200);
    await broker?.kill();
    await post('away');
    await broker?.start();
    await load;
    await broker?.pause();
    const hanging = await post('hang');
    await broker?.resume();
    expect([hanging.status, hanging.body.outcome]).toEqual([503, 'unknown']);
    for (const { status, body, headers } of refused) {
      expect([status, body.code]).toEqual([503, 'unavailable']);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    }

    let answer = hanging;
    for (; answer.status !== 201; await sleep(500)) answer = await post('hang');
    expect((await post('away')).status).toBe(201);
    await untilBooked(...accepted);
    await settle();
    // What the ledger booked once may be published twice when the broker is killed: its relay is at least once.
    const bookings = (transactionId: string) => new Set(booked(transactionId).map((row) => JSON.stringify(row)));
    for (const transactionId of accepted) expect([...bookings(transactionId)]).toHaveLength(1);
  }, 180_000);
});
