import { AppError, type ErrorCode } from '@tidegate/errors';
import { TransactionRequests } from './transaction-requests';
import { uuidV5 } from './uuid-v5';

const request = {
  transactionId: '2ed6657d-e927-568b-95e1-2665a8aea6a2',
  accountId: 'account-13',
  amount: 12.5,
  currency: 'USD',
  tenantId: 'north',
  clientId: 'partner-north',
  requestedAt: '2026-01-01T00:00:00.000Z',
};

describe(TransactionRequests.name, () => {
  it('sends by account, so that what an account is asked for stays in order', async () => {
    const placement = { topic: 'bank.transaction-requests', partition: 1, offset: '7' };
    const send = jest.fn().mockResolvedValue(placement);
    expect(await new TransactionRequests({ send, close: jest.fn() }).post(request)).toBe(placement);
    const value = JSON.stringify(request);
    expect(send).toHaveBeenCalledWith({ topic: 'bank.transaction-requests', key: 'account-13', value });
  });

  it.each<[code: ErrorCode, outcome: 'unknown' | undefined, told: ErrorCode]>([
    ['timeout', 'unknown', 'unavailable'],
    ['unavailable', undefined, 'unavailable'],
    ['not_found', undefined, 'unavailable'],
    ['too_large', undefined, 'too_large'],
  ])('makes of %s with outcome %s a refusal with %s and the same outcome', async (code, outcome, told) => {
    const failure = new AppError(code, 'said by Kafka', { ...(outcome && { outcome }) });
    const send = jest.fn().mockRejectedValue(failure);
    const refused = await new TransactionRequests({ send, close: jest.fn() }).post(request).catch(AppError.from);
    expect(refused).toMatchObject({ code: told, outcome });
    const { message } = AppError.from(refused);
    if (outcome === 'unknown') expect(message).toContain('with the same Idempotency-Key');
    else if (told === 'unavailable') expect(message).toContain('nothing was done');
  });
});

describe('uuidV5()', () => {
  it('is what RFC 9562 has for www.example.com', () => {
    const dns = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';
    expect(uuidV5(dns, 'www.example.com')).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2');
  });
});
