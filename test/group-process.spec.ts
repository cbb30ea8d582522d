import { startPostgres, type LocalStore } from '@tidegate/infra';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startSecuredKafka, type SecuredKafka } from './support/secured-kafka';
import { Shop } from './support/shop';

// A service whose group Kafka will never take must end, so that somebody sees it; it gets as far as that over SASL and TLS.
describe('the demo services, reading as a group that Kafka refuses', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'tidegate-group-'));
  let kafka: SecuredKafka;
  let postgres: LocalStore;

  beforeAll(async () => {
    // Below the session that the services ask for.
    const refusing = startSecuredKafka({ 'group.max.session.timeout.ms': 9_000 });
    [kafka, postgres] = await Promise.all([refusing, startPostgres()]);
  });

  afterAll(async () => {
    await Promise.all([kafka.bench.stop(), postgres.stop()]);
    rmSync(directory, { recursive: true });
  });

  it('ends with an exit code and says why', async () => {
    const caFile = path.join(directory, 'ca.pem');
    writeFileSync(caFile, kafka.serverCertificate);
    const shop = await Shop.start({
      databaseUrl: postgres.url,
      brokers: [kafka.listeners.saslTls],
      until: 'live',
      env: {
        KAFKA_TLS_CA_FILE: caFile,
        KAFKA_SASL_MECHANISM: 'plain',
        KAFKA_SASL_USERNAME: 'alice',
        KAFKA_SASL_PASSWORD: 'alice-secret',
      },
    });
    expect(await shop.process.exited).toMatchObject({ code: 1 });
    const log = readFileSync(shop.process.logFile, 'utf8');
    expect(log).toContain('consumer group cannot go on');
    expect(log).toMatch(/session timeout/i);
    expect(log).not.toContain('alice-secret');
    await shop.stop();
  });
});
