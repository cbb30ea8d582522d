import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseIdentity, requestToken } from './identity';

describe('parseIdentity()', () => {
  it.each([
    ['customer:13', { role: 'customer', subject: '13' }],
    ['support@north', { role: 'support', tenant: 'north' }],
    ['customer:13@north', { role: 'customer', subject: '13', tenant: 'north' }],
    ['auditor', { role: 'auditor' }],
  ])('reads %s', (text, identity) => {
    expect(parseIdentity(text)).toEqual(identity);
  });

  it.each(['', ':13', 'customer:', 'customer@', 'customer:13:14', 'Customer', 'a b'])('refuses "%s"', (text) => {
    expect(() => parseIdentity(text)).toThrow(/expected <role>/);
  });
});

describe('requestToken()', () => {
  let issuer: Server;
  let environment: NodeJS.ProcessEnv;

  beforeEach(async () => {
    issuer = createServer((request, response) => {
      request.setEncoding('utf8');
      request.on('data', (body: string) => {
        const known = body === '{"role":"customer","subject":"13"}';
        response.statusCode = known ? 200 : 400;
        response.end(JSON.stringify(known ? { access_token: 'a.b.c' } : { detail: 'no such role' }));
      });
    });
    await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
    environment = { DEMO_ISSUER_PORT: String((issuer.address() as AddressInfo).port) };
  });

  afterEach(() => issuer.close());

  it('gives the token of the issuer', async () => {
    await expect(requestToken({ role: 'customer', subject: '13' }, environment)).resolves.toBe('a.b.c');
  });

  it('says why the issuer refuses', async () => {
    await expect(requestToken({ role: 'king' }, environment)).rejects.toThrow('refused with 400: no such role');
  });

  it('says in one line that the issuer is down', async () => {
    issuer.close();
    issuer.closeAllConnections();
    await expect(requestToken({ role: 'customer' }, environment)).rejects.toThrow(
      /does not answer: run npm start first$/,
    );
  });
});
