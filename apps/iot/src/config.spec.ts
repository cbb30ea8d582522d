import { readConfig } from './config';

const key = Buffer.alloc(32, 1).toString('base64url');
const environment = { CATALOG_DIR: 'catalog', KAFKA_BROKERS: '127.0.0.1:9092', DEVICE_TOKEN_KEYS: key };
const problem = (changes: Record<string, string>): string => {
  try {
    readConfig({ ...environment, ...changes });
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};

describe(readConfig.name, () => {
  it('listens on loopback alone, without TLS, where nothing else is said', () => {
    const { server, redis } = readConfig(environment);
    expect(server).toMatchObject({ plain: { port: 9400 }, tls: undefined, connection: { maxFrameBytes: 65_536 } });
    expect(redis).toBeUndefined();
  });

  it('offers TLS where there is a certificate, and no plain listener where that is off', () => {
    const files = { IOT_TLS_CERT_FILE: '/c.pem', IOT_TLS_KEY_FILE: '/k.pem', HOST: '0.0.0.0' };
    const tls = { host: '0.0.0.0', port: 9401, certificateFile: '/c.pem', keyFile: '/k.pem' };
    expect(readConfig({ ...environment, ...files }).server).toMatchObject({ plain: { port: 9400 }, tls });
    expect(readConfig({ ...environment, ...files, IOT_PLAIN: 'off' }).server).toMatchObject({ plain: undefined, tls });
  });

  it.each([
    ['IOT_PLAIN', { IOT_PLAIN: 'trusted-hop' }],
    ['IOT_PLAIN', { IOT_PLAIN: 'off' }],
    ['IOT_PLAIN', { IOT_PLAIN: 'yes' }],
    ['IOT_TLS_KEY_FILE', { IOT_TLS_CERT_FILE: '/c.pem' }],
    ['IOT_TLS_CERT_FILE', { IOT_TLS_KEY_FILE: '/k.pem' }],
    ['IOT_MAX_FRAME_BYTES', { IOT_MAX_FRAME_BYTES: '262145' }],
    ['IOT_MAX_FRAME_BYTES', { IOT_MAX_FRAME_BYTES: '0' }],
    ['DEVICE_TOKEN_KEYS', { DEVICE_TOKEN_KEYS: 'short' }],
    ['DEVICE_TOKEN_KEYS', { DEVICE_TOKEN_KEYS: `${key},${key},${key}` }],
  ])('refuses a bad %s by name', (name, changes) => {
    expect(problem(changes)).toContain(name);
    expect(problem(changes)).not.toContain(key);
  });

  it('takes the largest frame, and two keys', () => {
    expect(problem({ IOT_MAX_FRAME_BYTES: '262144', DEVICE_TOKEN_KEYS: `${key},${key}` })).toBe('');
  });
});
