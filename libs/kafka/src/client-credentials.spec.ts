import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { clientCredentialsToken } from './client-credentials';

describe(clientCredentialsToken.name, () => {
  let server: Server;
  let asked: { authorization: string | undefined; body: string }[] = [];
  let answer: { status: number; body: string };

  beforeAll(async () => {
    server = createServer((request, response) => {
      void bodyOf(request).then((body) => {
        asked.push({ authorization: request.headers.authorization, body });
        response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });

  beforeEach(() => {
    asked = [];
  });

  afterAll(() => server.close());

  const source = (now?: () => number) => {
    const tokenUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
    return clientCredentialsToken({ tokenUrl, clientId: 'kafka:bff', clientSecret: 's%cret' }, now);
  };

  it('asks with its credentials encoded, and keeps a token until 30 s before its end', async () => {
    answer = { status: 200, body: JSON.stringify({ access_token: 't', expires_in: 100 }) };
    let nowMs = 0;
    const token = source(() => nowMs);
    expect([await token(), await token()]).toEqual(['t', 't']);
    nowMs = 69_999;
    await token();
    expect(asked).toEqual([
      {
        authorization: `Basic ${Buffer.from('kafka%3Abff:s%25cret').toString('base64')}`,
        body: 'grant_type=client_credentials',
      },
    ]);
    nowMs = 70_000;
    await token();
    expect(asked).toHaveLength(2);
  });

  it('asks once for all who want a token at the same time', async () => {
    answer = { status: 200, body: JSON.stringify({ access_token: 't' }) };
    const token = source();
    expect(await Promise.all([token(), token(), token()])).toEqual(['t', 't', 't']);
    expect(asked).toHaveLength(1);
  });

  it('asks every time where no life is given', async () => {
    answer = { status: 200, body: JSON.stringify({ access_token: 't' }) };
    const token = source();
    await token();
    await token();
    expect(asked).toHaveLength(2);
  });

  it.each([
    [401, '{}', 'answered 401'],
    [200, '{"token":"t"}', 'no access token'],
  ])('is unavailable on %i %s', async (status, body, message) => {
    answer = { status, body };
    await expect(source()()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(message) as string,
    });
  });
});

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
