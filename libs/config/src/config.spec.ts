import { AppError } from '@tidegate/errors';
import fc from 'fast-check';
import { z } from 'zod';
import { flag, list, milliseconds, port, url } from './environment';
import { ConfigError, loadConfig } from './load-config';

const schema = z.object({
  MOBILE_PORT: port().default(8081),
  KAFKA_BROKERS: list(),
  ISSUER: url(),
  REPLAY: flag().default(false),
  TIMEOUT: milliseconds().default(500),
});
const good = { KAFKA_BROKERS: 'a:9092, b:9092', ISSUER: 'http://127.0.0.1:8090' };

function refusal(env: Record<string, string | undefined>): ConfigError {
  try {
    loadConfig(schema, env);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('was accepted');
}

describe(loadConfig.name, () => {
  it('reads types and defaults from the schema', () => {
    expect(loadConfig(schema, { ...good, REPLAY: 'yes', TIMEOUT: '0' })).toEqual({
      MOBILE_PORT: 8081,
      KAFKA_BROKERS: ['a:9092', 'b:9092'],
      ISSUER: 'http://127.0.0.1:8090',
      REPLAY: true,
      TIMEOUT: 0,
    });
  });

  it('reads process.env by itself', () => {
    expect(loadConfig(z.object({ PATH: z.string() })).PATH).toBe(process.env['PATH']);
  });

  it('treats an empty variable as not set', () => {
    expect(loadConfig(schema, { ...good, MOBILE_PORT: '' }).MOBILE_PORT).toBe(8081);
    expect(refusal({ ...good, ISSUER: '' }).message).toContain('ISSUER: not set; expected a URL');
  });

  it('names every bad variable and what is expected, and no value', () => {
    const error = refusal({ MOBILE_PORT: 'hunter2', KAFKA_BROKERS: 'hunter2,,', ISSUER: 'hunter2', TIMEOUT: '-1' });
    expect(AppError.is(error) && error.code).toBe('invalid_config');
    expect(error.problems).toEqual([
      { variable: 'MOBILE_PORT', expected: 'expected a port number from 0 to 65535' },
      { variable: 'KAFKA_BROKERS', expected: 'expected entries separated by commas, none empty' },
      { variable: 'ISSUER', expected: 'expected a URL that starts with http:// or https://' },
      { variable: 'TIMEOUT', expected: 'expected a whole number of milliseconds from 0 to 2147483647' },
    ]);
    expect(error.message).toContain('\n  MOBILE_PORT: expected a port number');
    expect(JSON.stringify([error.message, error.details, error.problems, String(error.stack)])).not.toContain(
      'hunter2',
    );
  });

  it('says that a variable without default is not set', () => {
    const plain = z.object({ SECRET: z.string() });
    expect(() => loadConfig(plain, {})).toThrow('SECRET: not set; expected a value');
  });

  it('freezes the result all the way down', () => {
    const nested = schema.transform((env) => ({ kafka: { brokers: env.KAFKA_BROKERS } }));
    const config = loadConfig(nested, good);
    expect(Object.isFrozen(config) && Object.isFrozen(config.kafka) && Object.isFrozen(config.kafka.brokers)).toBe(
      true,
    );
  });
});

describe('environment types', () => {
  it.each([
    ['port', port(), ['0', '1', '65535'], ['65536', '-1', '1.5', '1e3', '0x10', ' 80', 'eighty', '99999999999']],
    ['milliseconds', milliseconds(), ['0', '2147483647'], ['2147483648', '-1', '1s', '1.5']],
    ['list', list(), ['a', 'a,b', ' a , b '], [',', 'a,', 'a,,b', ' ']],
    ['url', url(), ['http://a', 'https://a:1/b?c'], ['a', 'ftp://a', 'redis://a', 'http://', 'javascript:1']],
    ['url of redis', url('redis', 'rediss'), ['redis://a:1', 'rediss://u:p@a'], ['http://a', '127.0.0.1:6379']],
    ['flag', flag(), ['true', 'FALSE', '1', '0', 'on', 'no'], ['2', 'y e s', 'maybe']],
  ])('%s takes what it should and nothing else', (_name, type, accepted, refused) => {
    for (const text of accepted) expect([text, type.safeParse(text).success]).toEqual([text, true]);
    for (const text of refused) expect([text, type.safeParse(text).success]).toEqual([text, false]);
  });

  it('port is a whole number in range for whatever text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.integer().map(String)), (text) => {
        const result = port().safeParse(text);
        expect(!result.success || (Number.isInteger(result.data) && result.data >= 0 && result.data <= 65_535)).toBe(
          true,
        );
      }),
    );
  });
});
