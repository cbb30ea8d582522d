import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CatalogError } from './catalog-error';
import { loadDeviceCatalog } from './device-catalog';

const directory = mkdtempSync(join(tmpdir(), 'tidegate-devices-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const load = (devices: string): ReturnType<typeof loadDeviceCatalog> => {
  writeFileSync(join(directory, 'tenants.yaml'), 'tenants: { north: { name: North } }\n');
  writeFileSync(join(directory, 'devices.yaml'), devices);
  return loadDeviceCatalog(directory);
};

const problemsOf = (devices: string): string[] => {
  try {
    load(devices);
  } catch (error) {
    return (error as CatalogError).problems.map(({ line, field }) => `${line} ${field}`);
  }
  return [];
};

describe(loadDeviceCatalog.name, () => {
  it('loads the shipped files', () => {
    const { tenants, schemas } = loadDeviceCatalog(join(__dirname, '../../../catalog'));
    expect([...tenants.keys()]).toContain('north');
    expect(schemas.get('weather-v1')?.channels.get(1)).toEqual({ name: 'ambientTemperature', unit: 'Cel', scale: 1 });
  });

  it('reads a channel with and without unit and scale', () => {
    const { schemas } = load(
      'schemas: { a: { channels: { 0: { name: x }, 4294967295: { name: y, unit: m, scale: -2 } } } }',
    );
    expect(schemas.get('a')?.channels).toEqual(
      new Map([
        [0, { name: 'x', scale: 1 }],
        [4_294_967_295, { name: 'y', unit: 'm', scale: -2 }],
      ]),
    );
  });

  it.each([
    [
      'an unknown key',
      'schemas:\n  a:\n    channels: { 1: { name: x, colour: red } }',
      '3 schemas.a.channels.1.colour',
    ],
    ['a channel that is no number', 'schemas:\n  a:\n    channels: { x: { name: x } }', '3 schemas.a.channels.x'],
    [
      'a channel beyond 32 bits',
      'schemas:\n  a:\n    channels: { 4294967296: { name: x } }',
      '3 schemas.a.channels.4294967296',
    ],
    ['a scale of 0', 'schemas:\n  a:\n    channels: { 1: { name: x, scale: 0 } }', '3 schemas.a.channels.1.scale'],
    ['a name twice', 'schemas:\n  a:\n    channels: { 1: { name: x }, 2: { name: x } }', '3 schemas.a.channels.2.name'],
    ['no channels', 'schemas:\n  a:\n    channels: {}', '3 schemas.a.channels'],
    ['an illegal schema name', 'schemas:\n  A:\n    channels: { 1: { name: x } }', '2 schemas.A'],
    ['no schemas', 'devices: {}', '1 devices'],
  ])('reports %s with its place', (_what, text, problem) => {
    expect(problemsOf(text)).toContain(problem);
  });

  it('reports a file that is missing', () => {
    rmSync(join(directory, 'devices.yaml'), { force: true });
    expect(() => loadDeviceCatalog(directory)).toThrow(/devices\.yaml:1:1 \(file\): cannot be read \(ENOENT\)/);
  });
});
