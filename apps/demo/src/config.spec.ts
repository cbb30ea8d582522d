import { ConfigError } from '@tidegate/config';
import { readConfig } from './config';

const needed = { DATABASE_URL: 'postgres://tidegate@127.0.0.1/tidegate', KAFKA_BROKERS: '127.0.0.1:9092' };

describe('readConfig()', () => {
  it('needs a database and brokers, and has the rest of itself', () => {
    expect(readConfig(needed)).toMatchObject({
      ports: { customers: 8091, orders: 8092, accounts: 8093, ops: 9086 },
      issuer: { url: 'http://127.0.0.1:8090', port: 8090, clients: [] },
      replaySpeed: 100,
    });
  });

  it('knows the clients whose secret is set', () => {
    const { issuer } = readConfig({ ...needed, MOBILE_CLIENT_SECRET: 'a long secret' });
    expect(issuer.clients).toEqual([{ id: 'mobile-bff', secret: 'a long secret', identity: { roles: ['service'] } }]);
  });

  it('names every bad variable and shows no value', () => {
    const bad = { DATABASE_URL: 'mysql://root:hunter2@x', DEMO_REPLAY_SPEED: '-1', MOBILE_CLIENT_SECRET: 'short' };
    const read = () => readConfig(bad);
    expect(read).toThrow(ConfigError);
    for (const name of ['DATABASE_URL', 'KAFKA_BROKERS', 'DEMO_REPLAY_SPEED', 'MOBILE_CLIENT_SECRET']) {
      expect(read).toThrow(name);
    }
    expect(read).not.toThrow('hunter2');
  });

  it.each([
    ['0', 0],
    ['10000', 10_000],
    ['1.5', 1.5],
  ])('takes a replay speed of %s', (text, speed) => {
    expect(readConfig({ ...needed, DEMO_REPLAY_SPEED: text }).replaySpeed).toBe(speed);
  });

  it.each(['10001', '-1', 'fast', '1e3'])('refuses a replay speed of %s', (text) => {
    expect(() => readConfig({ ...needed, DEMO_REPLAY_SPEED: text })).toThrow('DEMO_REPLAY_SPEED');
  });
});
