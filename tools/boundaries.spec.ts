import { execFileSync } from 'node:child_process';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');

interface Case {
  filePath: string;
  code: string;
}

// ESLint runs in a process of its own, with the repository's configuration and today's project graph.
const lintAll = `
  const { createProjectGraphAsync } = await import('@nx/devkit');
  const { ESLint } = await import('eslint');
  await createProjectGraphAsync();
  const eslint = new ESLint();
  const rulesOf = async ({ filePath, code }) =>
    (await eslint.lintText(code, { filePath })).flatMap((file) => file.messages.map((message) => message.ruleId));
  const found = [];
  for (const one of JSON.parse(process.argv[1])) found.push(await rulesOf(one));
  process.stdout.write('\\n' + JSON.stringify(found));
`;

function brokenRules(cases: readonly Case[]): string[][] {
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', lintAll, JSON.stringify(cases)], {
    cwd: root,
    env: { ...process.env, NX_DAEMON: 'false' },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return JSON.parse(output.slice(output.lastIndexOf('\n'))) as string[][];
}

const boundaries = '@nx/enforce-module-boundaries';
const index = (project: string): string => `${project}/src/index.ts`;
const importing = (name: string): string => `import * as imported from '${name}';\nexport const used = imported;\n`;

describe('the module boundaries', () => {
  const violations: [title: string, lint: Case, rule: string][] = [
    [
      'a kernel lib imports the platform',
      { filePath: index('libs/errors'), code: importing('@tidegate/kafka') },
      boundaries,
    ],
    ['a kernel lib imports Nest', { filePath: index('libs/contracts'), code: importing('@nestjs/common') }, boundaries],
    [
      'a concern imports what is above it',
      { filePath: index('libs/policy'), code: importing('@tidegate/streams') },
      boundaries,
    ],
    [
      'auth imports a concern that comes after it',
      { filePath: index('libs/auth'), code: importing('@tidegate/policy') },
      boundaries,
    ],
    ['http imports doors', { filePath: index('libs/http'), code: importing('@tidegate/doors') }, boundaries],
    [
      'the client imports more than contracts',
      { filePath: index('libs/client'), code: importing('@tidegate/errors') },
      boundaries,
    ],
    [
      'the client imports Node',
      { filePath: index('libs/client'), code: importing('node:fs') },
      'no-restricted-imports',
    ],
    [
      'an app imports another app',
      { filePath: 'apps/mobile/src/config.ts', code: importing('../../demo/src/config') },
      boundaries,
    ],
    [
      'a Kafka client outside libs/kafka',
      { filePath: index('libs/streams'), code: importing('kafkajs') },
      'no-restricted-imports',
    ],
    [
      'the environment outside libs/config',
      { filePath: index('libs/http'), code: 'export const port = process.env;\n' },
      'no-restricted-syntax',
    ],
  ];
  const allowed: [title: string, lint: Case][] = [
    ['doors imports http', { filePath: index('libs/doors'), code: importing('@tidegate/http') }],
    ['the client imports contracts', { filePath: index('libs/client'), code: importing('@tidegate/contracts') }],
    ['an app imports an edge', { filePath: 'apps/mobile/src/config.ts', code: importing('@tidegate/doors') }],
  ];
  let found: string[][] = [];

  beforeAll(() => {
    found = brokenRules([...violations, ...allowed].map(([, lint]) => lint));
  }, 120_000);

  it.each(violations.map(([title, , rule], position) => [title, rule, position] as const))(
    'refuse that %s (%s)',
    (_title, rule, position) => {
      expect(found[position]).toContain(rule);
    },
  );

  it.each(allowed.map(([title], position) => [title, violations.length + position] as const))(
    'let pass that %s',
    (_title, position) => {
      expect(found[position]).toEqual([]);
    },
  );
});
