import Ajv from 'ajv/dist/2020';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { CatalogError } from './catalog-error';
import { limitsFileSchema, loadLimits, parseLimits } from './limits-file';

const example = `limits:
  partner-key: { per: credential, max: 1000, window: 1m }
  mobile-user: { per: subject, rate: 20/s, burst: 40, queue: { maxWaitMs: 500, maxWaiting: 10 } }
  writes: { per: tenant, max: 5, window: 1h, withoutRedis: refuse }
`;

const problemsOf = (text: string): string => {
  try {
    parseLimits('limits.yaml', text);
  } catch (error) {
    if (error instanceof CatalogError) return error.message;
    throw error;
  }
  return '';
};
const problemsWith = (limit: string): string => problemsOf(`limits:\n  a: { ${limit} }\n`);

describe('limits.yaml', () => {
  it('gives limits in the units that are counted in', () => {
    const limits = parseLimits('limits.yaml', example);
    expect([...limits.values()]).toEqual([
      { kind: 'window', name: 'partner-key', per: 'credential', max: 1_000, windowSeconds: 60, withoutRedis: 'bound' },
      {
        ...{ kind: 'rate', name: 'mobile-user', per: 'subject', intervalUs: 50_000, burst: 40, withoutRedis: 'bound' },
        queue: { maxWaitMs: 500, maxWaiting: 10 },
      },
      { kind: 'window', name: 'writes', per: 'tenant', max: 5, windowSeconds: 3_600, withoutRedis: 'refuse' },
    ]);
  });

  it('never rounds a rate up', () => {
    const interval = (rate: string) => {
      const limit = parseLimits('limits.yaml', `limits: { a: { per: ip, rate: ${rate}, burst: 1 } }`).get('a');
      return limit?.kind === 'rate' && limit.intervalUs;
    };
    expect(['3/s', '7/m', '1/d', '10000/s'].map(interval)).toEqual([333_334, 8_571_429, 86_400_000_000, 100]);
  });

  it.each([
    ['per: ip, max: 1, window: 1s', ''],
    ['per: ip, max: 1000000, window: 1h', ''],
    ['per: ip, max: 0, window: 1s', 'a.max'],
    ['per: ip, max: 1000001, window: 1s', 'a.max'],
    ['per: ip, max: 1.5, window: 1s', 'a.max'],
    ['per: ip, max: 1, window: 3600s', ''],
    ['per: ip, max: 1, window: 3601s', 'a.window: is longer than 1h'],
    ['per: ip, max: 1, window: 60', 'a.window'],
    ['per: ip, max: 1, window: 0s', 'a.window: write a time such as'],
    ['per: ip, rate: 10000/s, burst: 100000', ''],
    ['per: ip, rate: 10001/s, burst: 1', 'a.rate: is more than 10000/s'],
    ['per: ip, rate: 0/s, burst: 1', 'a.rate: write a rate such as'],
    ['per: ip, rate: 1/s, burst: 0', 'a.burst'],
    ['per: ip, rate: 1/s, burst: 100001', 'a.burst'],
    ['per: ip, rate: 1/s', 'a.burst: is missing'],
    ['per: ip, max: 1, window: 1s, queue: { maxWaitMs: 1, maxWaiting: 1 }', ''],
    ['per: ip, max: 1, window: 1s, queue: { maxWaitMs: 30000, maxWaiting: 10000 }', ''],
    ['per: ip, max: 1, window: 1s, queue: { maxWaitMs: 30001, maxWaiting: 0 }', 'a.queue.maxWaitMs'],
    ['per: ip, max: 1, window: 1s, queue: { maxWaitMs: 1, maxWaiting: 10001 }', 'a.queue.maxWaiting'],
    ['per: planet, max: 1, window: 1s', 'a.per: is none of subject, credential, tenant, ip'],
    ['per: ip, max: 1, window: 1s, withoutRedis: pray', 'a.withoutRedis: is none of bound, refuse'],
    ['per: ip, max: 1, window: 1s, colour: red', 'a.colour: unknown key; the keys here are per'],
    ['per: ip, max: 1, window: 1s, rate: 1/s, burst: 1', 'a.max: unknown key'],
    ['per: ip', 'a.max: is missing'],
  ])('judges { %s }: %s', (limit, problem) => {
    const problems = problemsWith(limit);
    if (problem === '') expect(problems).toBe('');
    else expect(problems).toMatch(/^limits\.yaml:2:\d+ limits\./);
    expect(problems).toContain(problem);
  });

  it('names every problem of the file with its line', () => {
    const text = example.replace('1000', '-1').replace('20/s', '20').replace('tenant', 'moon');
    expect(
      problemsOf(text)
        .split('\n')
        .map((line) => line.split(' ').slice(0, 2).join(' ')),
    ).toEqual([
      'limits.yaml:2:35 limits.partner-key.max:',
      'limits.yaml:3:32 limits.mobile-user.rate:',
      'limits.yaml:4:13 limits.writes.per:',
    ]);
  });

  it('refuses a name that no header could carry, and a file without limits', () => {
    expect(problemsOf('limits: { "A b": { per: ip, max: 1, window: 1s } }')).toContain('use lower-case letters');
    expect(problemsOf('limits: {}')).toContain('is empty');
    expect(problemsOf('')).not.toBe('');
  });

  it('reports a file that is not there', () => {
    expect(() => loadLimits('/nowhere/limits.yaml')).toThrow(
      '/nowhere/limits.yaml:1:1 (file): cannot be read (ENOENT)',
    );
  });
});

describe('catalog/schema/limits.json', () => {
  const path = join(__dirname, '../../../catalog/schema/limits.json');
  const jsonSchema = z.toJSONSchema(limitsFileSchema, { io: 'input' });

  it('says what the loader checks; delete the file and run this twice to write it anew', () => {
    const existed = existsSync(path);
    if (!existed) writeFileSync(path, `${JSON.stringify(jsonSchema, null, 2)}\n`);
    expect(existed).toBe(true);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(JSON.parse(JSON.stringify(jsonSchema)));
  });

  it('accepts limits of both kinds and refuses unknown keys', () => {
    const validate = new Ajv({ strict: false }).compile(jsonSchema);
    const content = parse(example) as object;
    expect(validate(content)).toBe(true);
    expect(validate({ ...content, extra: 1 })).toBe(false);
    expect(validate({ limits: { a: { per: 'ip', max: 1, window: '1s', rate: '1/s', burst: 1 } } })).toBe(false);
  });
});
