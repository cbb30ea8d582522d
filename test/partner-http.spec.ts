import { topics, type JsonObject } from '@tidegate/contracts';
import { setTimeout as sleep } from 'node:timers/promises';
import { House, type Bff } from './support/house';
import { PartnerClient } from './support/partner-client';
import { TopicLog } from './support/topic-log';

// Household 13 banks in the north, 14 in the south.
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

  beforeAll(async () => {
    house = await House.start();
    [replicaA, replicaB] = await Promise.all([house.startPartner('partner-a'), house.startPartner('partner-b')]);
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
});
