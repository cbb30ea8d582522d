import { kafkaOptionsSchema, kafkaSettings } from './options';

const accepts = (change: object): boolean =>
  kafkaOptionsSchema.safeParse({ brokers: ['127.0.0.1:9092'], clientId: 'test', ...change }).success;

describe('kafkaOptionsSchema', () => {
  it.each([['a:1'], ['kafka-1.internal:65535']])('accepts the broker %p', (broker) => {
    expect(accepts({ brokers: [broker] })).toBe(true);
  });

  it.each([['a'], ['a:0'], ['a:65536'], ['a:b'], [':9092'], ['a:1,b:2'], ['http://a:1/']])(
    'refuses the broker %p',
    (broker) => {
      expect(accepts({ brokers: [broker] })).toBe(false);
    },
  );

  it('needs a broker', () => {
    expect(accepts({ brokers: [] })).toBe(false);
  });

  it('limits the request time-out on both sides', () => {
    expect([499, 500, 120_000, 120_001].map((requestTimeoutMs) => accepts({ requestTimeoutMs }))).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });
});

describe('kafkaSettings()', () => {
  it('takes the client’s own request time-out where none is set', () => {
    const options = { brokers: ['a:1'], clientId: 'test' };
    expect(kafkaSettings(options, 5_000).requestTimeoutMs).toBe(5_000);
    expect(kafkaSettings({ ...options, requestTimeoutMs: 700 }, 5_000).requestTimeoutMs).toBe(700);
  });
});
