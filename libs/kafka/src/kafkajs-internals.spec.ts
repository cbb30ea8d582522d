/* eslint-disable @typescript-eslint/no-require-imports -- the contract with untyped paths inside the package */
import { fakeBroker, type Answer, type FakeBroker } from './broker.fixture';
import { ByteReader } from './byte-reader';
import { ByteWriter } from './byte-writer';
import { encodeFetch } from './fetch';
import { BrokerLink, type KafkaRequest } from './kafkajs-internals';
import { decodeRecordSet } from './record-batch';

type Encode = (options: object) => { apiKey: number; apiVersion: number; encode(): Promise<{ buffer: Buffer }> };

const fetchKey = 1;
const produceKey = 0;

function request(apiKey: number, body = Buffer.from('body')): KafkaRequest<string> {
  return { apiKey, apiVersion: 3, apiName: 'Test', body, decode: (bytes) => bytes.toString() };
}

function produceAnswer(errorCode: number): Buffer {
  const writer = new ByteWriter();
  writer.array(['t'], (topic) => {
    writer
      .string(topic)
      .array([0], (partition) => writer.int32(partition).int16(errorCode).int64(41n).int64(-1n).int64(0n));
  });
  return writer.int32(0).finish();
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

  it('write a batch that our decoder reads, to one partition with all acknowledgements', async () => {
    await connect(() => produceAnswer(0));
    const headers = Object.fromEntries([
      ['h', Buffer.from([0, 255])],
      ['__proto__', Buffer.from('p')],
    ]);
    const messages = [
      { key: Buffer.from('k'), value: Buffer.from('v'), headers },
      { key: null, value: null, headers: {} },
    ];
    expect(await link.produce('t', 0, messages, 500)).toBe(41n);
    const [sent] = broker.seen;
    const reader = new ByteReader(sent?.body ?? Buffer.alloc(0));
    expect([sent?.apiKey, reader.nullableString(), reader.int16(), reader.int32()]).toEqual([
      produceKey,
      null,
      -1,
      500,
    ]);
    expect([reader.int32(), reader.string(), reader.int32(), reader.int32()]).toEqual([1, 't', 1, 0]);
    const place = { topic: 't', partition: 0, from: 0n, aborted: [], maxInflatedBytes: 1_000 };
    const { records, corrupt } = decodeRecordSet(reader.nullableBytes() ?? Buffer.alloc(0), place);
    expect(corrupt).toBeUndefined();
    expect(records.map(({ key, value }) => [key, value])).toEqual([
      [Buffer.from('k'), Buffer.from('v')],
      [null, null],
    ]);
    expect(records[0]?.headers()).toEqual(Object.entries(headers));
  });

  it('throw the protocol error of a refused batch with its code', async () => {
    await connect(() => produceAnswer(10));
    await expect(link.produce('t', 0, [], 500)).rejects.toMatchObject({ name: 'KafkaJSProtocolError', code: 10 });
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

  it('encode a fetch to the same bytes as we do', async () => {
    await connect(() => undefined);
    const encode = require('kafkajs/src/protocol/requests/fetch/v11/request') as Encode;
    const theirs = encode({
      replicaId: -1,
      maxWaitTime: 500,
      minBytes: 1,
      maxBytes: 1_000_000,
      rackId: 'rack-ö',
      topics: [
        {
          topic: 'a',
          partitions: [
            { partition: 0, fetchOffset: '9007199254740993', maxBytes: 7 },
            { partition: 2, fetchOffset: '0', maxBytes: 8 },
          ],
        },
        { topic: 'b', partitions: [{ partition: 1, fetchOffset: '5', maxBytes: 9 }] },
      ],
    });
    const ours = encodeFetch(
      [
        { topic: 'a', partition: 0, offset: 9_007_199_254_740_993n, maxBytes: 7 },
        { topic: 'b', partition: 1, offset: 5n, maxBytes: 9 },
        { topic: 'a', partition: 2, offset: 0n, maxBytes: 8 },
      ],
      { maxWaitMs: 500, minBytes: 1, maxBytes: 1_000_000, rackId: 'rack-ö' },
    );
    expect([theirs.apiKey, theirs.apiVersion]).toEqual([fetchKey, 11]);
    expect(ours).toEqual((await theirs.encode()).buffer);
  });
});
