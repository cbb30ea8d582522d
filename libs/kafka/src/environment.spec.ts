import { loadConfig } from '@tidegate/config';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { kafkaEnvironmentSchema } from './environment';

describe('the environment of Kafka', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'pem-'));
  const pem = '-----BEGIN CERTIFICATE-----\nx\n';
  const file = path.join(directory, 'a.pem');
  const brokers = { KAFKA_BROKERS: 'a:9092, b:9092' };

  beforeAll(() => {
    writeFileSync(file, pem);
    writeFileSync(path.join(directory, 'text'), 'hunter2');
  });

  afterAll(() => rmSync(directory, { recursive: true }));

  const read = (env: Record<string, string>) => loadConfig(kafkaEnvironmentSchema, { ...brokers, ...env }).kafka;

  it('is brokers and nothing else at least', () => {
    expect(read({})).toEqual({ brokers: ['a:9092', 'b:9092'], ssl: false });
    expect(read({ KAFKA_TLS: 'on', NODE_ZONE: 'z1' })).toMatchObject({ ssl: true, rackId: 'z1' });
  });

  it('takes certificates from files, and credentials', () => {
    expect(read({ KAFKA_TLS_CA_FILE: file, KAFKA_TLS_CERT_FILE: file, KAFKA_TLS_KEY_FILE: file }).ssl).toEqual({
      ...{ ca: pem, cert: pem, key: pem },
    });
    const credentials = { KAFKA_SASL_USERNAME: 'u', KAFKA_SASL_PASSWORD: 'p' };
    expect(read({ KAFKA_SASL_MECHANISM: 'scram-sha-512', ...credentials }).sasl).toEqual({
      ...{ mechanism: 'scram-sha-512', username: 'u', password: 'p' },
    });
    const oauth = { KAFKA_SASL_MECHANISM: 'oauthbearer', KAFKA_SASL_TOKEN_URL: 'https://issuer.example/token' };
    expect(read({ ...oauth, ...credentials }).sasl).toMatchObject({ mechanism: 'oauthbearer' });
  });

  it.each([
    ['KAFKA_TLS_KEY_FILE', { KAFKA_TLS_CERT_FILE: file }],
    ['KAFKA_TLS_CERT_FILE', { KAFKA_TLS_KEY_FILE: file }],
    ['KAFKA_TLS_CA_FILE', { KAFKA_TLS_CA_FILE: path.join(directory, 'hunter2') }],
    ['KAFKA_TLS_CA_FILE', { KAFKA_TLS_CA_FILE: path.join(directory, 'text') }],
    ['KAFKA_TLS', { KAFKA_TLS: 'off', KAFKA_TLS_CA_FILE: file }],
    ['KAFKA_SASL_PASSWORD', { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'hunter2' }],
    ['KAFKA_SASL_MECHANISM', { KAFKA_SASL_USERNAME: 'hunter2', KAFKA_SASL_PASSWORD: 'hunter2' }],
    ['KAFKA_SASL_MECHANISM', { KAFKA_SASL_MECHANISM: 'hunter2' }],
    ['KAFKA_SASL_TOKEN_URL', { KAFKA_SASL_TOKEN_URL: 'https://hunter2.example' }],
    [
      'KAFKA_SASL_TOKEN_URL',
      { KAFKA_SASL_MECHANISM: 'oauthbearer', KAFKA_SASL_USERNAME: 'u', KAFKA_SASL_PASSWORD: 'hunter2' },
    ],
  ])('names %s where it does not fit, and no value', (variable, env) => {
    const failure = (() => {
      try {
        return read(env);
      } catch (error) {
        return error;
      }
    })();
    expect(failure).toMatchObject({ problems: [{ variable }] });
    expect(String(failure)).not.toContain('hunter2');
  });
});
