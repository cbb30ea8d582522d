import { setTimeout as sleep } from 'node:timers/promises';
import { fakeBroker, frameOf, type Answer, type FakeBroker } from './broker.fixture';
import { ByteReader } from './byte-reader';
import { ByteWriter } from './byte-writer';
import { BrokerLink, type BrokerLinkOptions, type KafkaRequest } from './kafkajs-internals';

const fetchKey = 1;
const saslKeys = { handshake: 17, authenticate: 36 };

function request(apiKey: number, body = Buffer.from('body')): KafkaRequest<string> {
  return { apiKey, apiVersion: 3, apiName: 'Test', body, decode: (bytes) => bytes.toString() };
}

describe('kafkajs internals', () => {
  let broker: FakeBroker;
  let link: BrokerLink;

  const connect = async (answer: Answer, options: Partial<BrokerLinkOptions> = {}): Promise<void> => {
    broker = await fakeBroker(answer);
    link = await BrokerLink.connect({
      host: '127.0.0.1',
      port: broker.port,
      clientId: 'tester',
      ssl: false,
      sasl: undefined,
      connectionTimeoutMs: 1_000,
      requestTimeoutMs: 1_000,
      log: () => undefined,
      ...options,
    });
  };

  afterEach(async () => {
    broker.close();
    await link.close(1_000);
  });

  /** A broker whose sessions last this long. */
  const authenticating =
    (sessionMs: number): Answer =>
    ({ apiKey }) => {
      if (apiKey === saslKeys.handshake) return saslHandshake();
      if (apiKey !== saslKeys.authenticate) return Buffer.from('x');
      return new ByteWriter().int16(0).int16(-1).int32(0).int64(BigInt(sessionMs)).finish();
    };

  const authentications = (): number[] =>
    broker.seen.filter(({ apiKey }) => apiKey === saslKeys.authenticate).map(({ connection }) => connection);

  it('write a ready body behind the header, and hand over the answer without its correlation id', async () => {
    await connect(() => Buffer.from('answer'));
    expect(await link.send(request(9), 1_000)).toBe('answer');
    expect(broker.seen).toMatchObject([{ apiKey: 9, apiVersion: 3, clientId: 'tester', body: Buffer.from('body') }]);
  });

  it('send fetches over a connection of their own, which is open from the start', async () => {
    await connect(() => Buffer.from('x'));
    await Promise.all([
      link.send(request(fetchKey), 1_000),
      link.send(request(fetchKey), 1_000),
      link.send(request(9), 1_000),
    ]);
    const [first, second, other] = broker.seen.sort((a, b) => a.apiKey - b.apiKey).map(({ connection }) => connection);
    expect(first).toBe(second);
    expect(other).not.toBe(first);
  });

  it('do not make one request wait behind another that is not answered', async () => {
    await connect(({ body }) => (body.toString() === 'slow' ? undefined : Buffer.from('quick')));
    const slow = link.send(request(9, Buffer.from('slow')), 1_000).catch(() => 'failed');
    expect(await link.send(request(9), 1_000)).toBe('quick');
    broker.cut();
    expect(await slow).toBe('failed');
  });

  it('reject what is in flight when the connection is lost, and show the link as unusable', async () => {
    await connect(() => undefined);
    expect(link.usable).toBe(true);
    const pending = link.send(request(9), 1_000);
    const rejected = expect(pending).rejects.toMatchObject({ name: 'KafkaJSConnectionClosedError' });
    await new Promise((resolve) => setTimeout(resolve, 20));
    broker.cut();
    await rejected;
    expect(link.usable).toBe(false);
  });

  it('give up a request after its time-out', async () => {
    await connect(() => undefined, { requestTimeoutMs: 200 });
    await expect(link.send(request(9), 200)).rejects.toMatchObject({ name: 'KafkaJSRequestTimeoutError' });
  });

  it('pass on what a decoder throws', async () => {
    await connect(() => Buffer.from('x'));
    const failing = { ...request(9), decode: () => new ByteReader(Buffer.alloc(0)).int32() };
    await expect(link.send(failing, 1_000)).rejects.toMatchObject({ name: 'MalformedBytes' });
  });

  it('hold requests back for as long as the last answer said', async () => {
    await connect(() => Buffer.from('x'));
    const throttled = { ...request(9), decode: () => ({ throttleMs: 150 }) };
    await link.send(throttled, 1_000);
    const startedAtMs = Date.now();
    await link.send(request(9), 1_000);
    expect(Date.now() - startedAtMs).toBeGreaterThanOrEqual(140);
  });

  it('set no timer for an idle connection', async () => {
    await connect(() => Buffer.from('x'));
    const warnings: Error[] = [];
    process.on('warning', (warning) => warnings.push(warning));
    const timers = jest.spyOn(global, 'setTimeout');
    await link.send(request(9), 1_000);
    await new Promise((resolve) => setImmediate(resolve));
    expect(timers.mock.calls.filter(([, delayMs]) => (delayMs ?? 0) <= 10)).toEqual([]);
    timers.mockRestore();
    expect(warnings).toEqual([]);
  });

  it('give each answer to its own request, whatever their order, and none to nobody', async () => {
    const frames: Buffer[] = [];
    await connect(({ correlationId, body }) => {
      frames.unshift(frameOf(correlationId, body));
      if (frames.length < 3) return undefined;
      return { frame: Buffer.concat([frameOf(1_000_000, Buffer.from('of nobody')), ...frames]) };
    });
    const names = ['a', 'b', 'c'];
    expect(await Promise.all(names.map((name) => link.send(request(9, Buffer.from(name)), 1_000)))).toEqual(names);
  });

  it('put answers together that come byte by byte', async () => {
    await connect(() => undefined);
    const sending = link.send(request(9), 1_000);
    await until(() => broker.seen.length > 0);
    for (const byte of frameOf(broker.seen[0]?.correlationId ?? -1, Buffer.from('whole'))) {
      broker.write(0, Buffer.from([byte]));
      await sleep(1);
    }
    expect(await sending).toBe('whole');
  });

  it.each([-2_147_483_648, -1, 0, 3, 2_147_483_647])(
    'end a connection whose answer claims a size of %d, and nothing else',
    async (size) => {
      await connect(() => ({ frame: new ByteWriter().int32(size).int32(0).finish() }));
      await expect(link.send(request(9), 5_000)).rejects.toMatchObject({
        name: 'KafkaJSConnectionError',
        message: expect.stringContaining('cannot be read') as string,
      });
      expect(link.usable).toBe(false);
    },
  );

  it('show a link as unusable when either connection is lost', async () => {
    await connect(() => Buffer.from('x'));
    broker.cut(1);
    await until(() => !link.usable);
  });

  it('close when the answers on their way have come', async () => {
    await connect(() => undefined);
    const sending = link.send(request(9), 1_000);
    await until(() => broker.seen.length > 0);
    const closing = link.close(1_000);
    await sleep(50);
    broker.write(0, frameOf(broker.seen[0]?.correlationId ?? -1, Buffer.from('late')));
    expect(await sending).toBe('late');
    await closing;
  });

  it('close in time when nothing comes, failing what is on its way and leaving no timer', async () => {
    const [made, cleared] = [jest.spyOn(global, 'setInterval'), jest.spyOn(global, 'clearInterval')];
    await connect(() => undefined);
    const sending = link.send(request(9), 10_000).catch((error: unknown) => String(error));
    await until(() => broker.seen.length > 0);
    await link.close(50);
    expect(await sending).toContain('given up');
    expect(made.mock.results.length).toBeGreaterThan(0);
    for (const { value } of made.mock.results) expect(cleared).toHaveBeenCalledWith(value);
    made.mockRestore();
    cleared.mockRestore();
  });

  it('give up connecting after its time-out', async () => {
    await connect(() => Buffer.from('x'));
    const options = { host: '127.0.0.1', port: broker.port, clientId: 'tester', sasl: undefined, log: () => undefined };
    const silentTls = BrokerLink.connect({ ...options, ssl: true, connectionTimeoutMs: 100, requestTimeoutMs: 1_000 });
    await expect(silentTls).rejects.toMatchObject({ name: 'KafkaJSConnectionError', message: 'Connection timeout' });
  });

  it('log to the given sink', async () => {
    const log = jest.fn();
    await connect(() => Buffer.from('x'));
    const options = {
      host: '127.0.0.1',
      clientId: 'tester',
      sasl: undefined,
      ssl: false,
      requestTimeoutMs: 1_000,
      log,
    };
    await expect(BrokerLink.connect({ ...options, port: 1, connectionTimeoutMs: 1_000 })).rejects.toBeInstanceOf(Error);
    const entry = { namespace: 'Connection', log: { message: expect.stringContaining('ECONNREFUSED') as string } };
    expect(log).toHaveBeenCalledWith(
      expect.objectContaining({ ...entry, log: expect.objectContaining(entry.log) as object }),
    );
  });

  it('authenticate each connection, and write only on a copy of what they were given', async () => {
    const sasl = { mechanism: 'plain', username: 'u', password: 'p' } as const;
    await connect(authenticating(0), { sasl });
    await Promise.all([link.send(request(9), 1_000), link.send(request(fetchKey), 1_000)]);
    expect(authentications().sort()).toEqual([0, 1]);
    expect(sasl).toEqual({ mechanism: 'plain', username: 'u', password: 'p' });
  });

  it('renew a session 10 s before it ends, each connection its own', async () => {
    const sasl = { mechanism: 'plain', username: 'u', password: 'p' } as const;
    await connect(authenticating(11_000), { sasl });
    await link.send(request(9), 1_000);
    expect(authentications()).toHaveLength(2);
    await sleep(1_050);
    await Promise.all([link.send(request(9), 1_000), link.send(request(9), 1_000)]);
    expect(authentications().slice(2)).toEqual([0]);
    await link.send(request(fetchKey), 1_000);
    expect(authentications().slice(3)).toEqual([1]);
  });

  it('ask for a token at each authentication', async () => {
    let tokens = 0;
    await connect(authenticating(0), {
      sasl: { mechanism: 'oauthbearer', token: () => Promise.resolve(`token-${(tokens += 1)}`) },
    });
    const sent = broker.seen.filter(({ apiKey }) => apiKey === saslKeys.authenticate).map(({ body }) => String(body));
    expect([tokens, sent[0]?.includes('token-1'), sent[1]?.includes('token-2')]).toEqual([2, true, true]);
  });

  it('are those of the version that they were read in', async () => {
    await connect(() => Buffer.from('x'));
    jest.isolateModules(() => {
      jest.doMock('kafkajs/package.json', () => ({ version: '2.2.5' }));
      expect(() => jest.requireActual<object>('./kafkajs-internals')).toThrow(/kafkajs 2\.2\.4 is needed/);
      jest.dontMock('kafkajs/package.json');
    });
  });
});

function saslHandshake(): Buffer {
  const mechanisms = ['PLAIN', 'OAUTHBEARER'];
  const writer = new ByteWriter().int16(0);
  return writer.array(mechanisms, (mechanism) => writer.string(mechanism)).finish();
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}
