import { freePorts, LocalServer } from '@tidegate/infra';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const root = path.resolve(__dirname, '..');

/** The least that each app must be told. Nothing behind these addresses runs. */
const environments: Record<string, Record<string, string>> = {
  mobile: {
    CATALOG_DIR: path.join(root, 'catalog'),
    MOBILE_CATALOG_DIR: path.join(root, 'apps/mobile/catalog'),
    KAFKA_BROKERS: '127.0.0.1:1',
    REDIS_URL: 'redis://127.0.0.1:1',
    CURSOR_KEYS: Buffer.alloc(32, 1).toString('base64url'),
    MOBILE_CLIENT_SECRET: 'development-only',
  },
  web: {
    CATALOG_DIR: path.join(root, 'catalog'),
    WEB_CATALOG_DIR: path.join(root, 'apps/web/catalog'),
    KAFKA_BROKERS: '127.0.0.1:1',
    REDIS_URL: 'redis://127.0.0.1:1',
    CURSOR_KEYS: Buffer.alloc(32, 1).toString('base64url'),
    WEB_CLIENT_SECRET: 'development-only',
  },
  partner: {
    CATALOG_DIR: path.join(root, 'catalog'),
    PARTNER_CATALOG_DIR: path.join(root, 'apps/partner/catalog'),
    KAFKA_BROKERS: '127.0.0.1:1',
    CURSOR_KEYS: Buffer.alloc(32, 1).toString('base64url'),
    PARTNER_CLIENT_SECRET: 'development-only',
    API_KEYS_FILE: path.join(root, 'no-such-file'),
    API_KEYS_PEPPER: 'a pepper of thirty-two characters',
  },
  demo: { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none', KAFKA_BROKERS: '127.0.0.1:1' },
};

const portVariables: Record<string, string[]> = {
  mobile: ['MOBILE_OPS_PORT', 'MOBILE_PORT'],
  web: ['WEB_OPS_PORT', 'WEB_PORT'],
  partner: ['PARTNER_OPS_PORT', 'PARTNER_PORT'],
  demo: ['DEMO_OPS_PORT', 'DEMO_ISSUER_PORT', 'DEMO_CUSTOMERS_PORT', 'DEMO_ORDERS_PORT', 'DEMO_ACCOUNTS_PORT'],
};

describe.each(Object.keys(environments))('the bundle of %s, alone in an empty folder', (app) => {
  const folder = mkdtempSync(path.join(tmpdir(), `tidegate-bundle-${app}-`));
  const bundle = path.join(folder, 'main.cjs');

  beforeAll(() => copyFileSync(path.join(root, 'dist/apps', app, 'main.cjs'), bundle));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('starts with everything behind it away, says so, and ends in order', async () => {
    const ports = await freePorts(5);
    const portEnv = Object.fromEntries((portVariables[app] ?? []).map((name, index) => [name, String(ports[index])]));
    const opsUrl = `http://127.0.0.1:${ports[0]}`;
    const server = new LocalServer({
      name: app,
      command: process.execPath,
      args: [bundle],
      cwd: folder,
      env: { ...environments[app], ...portEnv },
      port: ports[0] ?? 0,
      logFile: path.join(folder, 'app.log'),
      isReady: async () => (await fetch(`${opsUrl}/livez`).catch(() => undefined))?.status === 200,
      readyTimeoutMs: 20_000,
    });
    await server.start();
    const readiness = await fetch(`${opsUrl}/readyz`);
    expect(readiness.status).toBe(503);
    expect(JSON.stringify(await readiness.json())).toContain('"ok":false');
    await server.stop();
    expect(await server.exited).toEqual({ code: 0, signal: null });
  }, 60_000);

  it('names every missing variable and no value, and stops', () => {
    const { status, stderr, stdout } = spawnSync(process.execPath, [bundle], {
      cwd: folder,
      env: { KAFKA_BROKERS: 'secret-value-without-port', MOBILE_PORT: 'secret-text' },
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect(status).not.toBe(0);
    const output = stdout + stderr;
    // One is there, and the app's own catalog has a default.
    const missing = Object.keys(environments[app] ?? {}).filter(
      (name) => !/^KAFKA_BROKERS$|^\w+_CATALOG_DIR$/.test(name),
    );
    for (const name of missing) expect(output).toContain(name);
    expect(output).not.toContain('secret-');
  });
});
