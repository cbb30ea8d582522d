import { fakeBroker, type Answer, type FakeBroker } from './broker.fixture';
import { ByteReader } from './byte-reader';
import { BrokerLink, type KafkaRequest } from './kafkajs-internals';

const fetchKey = 1;

function request(apiKey: number, body = Buffer.from('body')): KafkaRequest<string> {
  return { apiKey, apiVersion: 3, apiName: 'Test', body, decode: (bytes) => bytes.toString() };
}

describe('kafkajs internals', () => {
  let broker: FakeBroker;
  let link: BrokerLink;

  const connect = async (answer: Answer, options: { requestTimeoutMs?: number } = {}): Promise<void> => {
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
    await link.close();
  });

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
});
