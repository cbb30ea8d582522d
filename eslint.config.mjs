import eslint from '@eslint/js';
import nx from '@nx/eslint-plugin';
import prettier from 'eslint-config-prettier';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** External systems have one owner each: nobody else imports the client. */
const owners = {
  'libs/kafka': ['kafkajs', 'kafkajs/*'],
  'libs/redis': ['ioredis'],
  'libs/postgres': ['pg'],
};

const restrictedImports = (allowed = []) => ({
  'no-restricted-imports': [
    'error',
    {
      patterns: Object.entries(owners)
        .filter(([owner]) => !allowed.includes(owner))
        .map(([owner, group]) => ({ group, message: `Only ${owner} imports this client.` })),
    },
  ],
});

const noEnvironment = {
  'no-restricted-syntax': [
    'error',
    {
      selector: "MemberExpression[object.name='process'][property.name='env']",
      message: 'Only libs/config reads the environment; take options instead.',
    },
  ],
};

const clients = ['@nestjs/*', 'fastify', 'kafkajs', 'ioredis', 'pg', 'ws', 'pino', 'prom-client', 'jose'];

// The layers and the few allowed orders inside them. Every constraint that matches a project must hold.
const layers = [
  {
    sourceTag: 'layer:kernel',
    onlyDependOnLibsWithTags: ['scope:errors', 'scope:contracts'],
    bannedExternalImports: clients,
  },
  { sourceTag: 'scope:errors', notDependOnLibsWithTags: ['layer:kernel'] },
  { sourceTag: 'layer:platform', onlyDependOnLibsWithTags: ['layer:kernel', 'scope:config', 'scope:telemetry'] },
  { sourceTag: 'scope:config', notDependOnLibsWithTags: ['layer:platform'] },
  {
    sourceTag: 'layer:concern',
    onlyDependOnLibsWithTags: ['layer:platform', 'layer:kernel', 'scope:auth', 'scope:encryption', 'scope:audit'],
  },
  { sourceTag: 'scope:auth', notDependOnLibsWithTags: ['layer:concern'] },
  { sourceTag: 'scope:encryption', notDependOnLibsWithTags: ['scope:audit'] },
  { sourceTag: 'layer:data', onlyDependOnLibsWithTags: ['layer:concern', 'layer:platform', 'layer:kernel'] },
  {
    sourceTag: 'layer:edge',
    onlyDependOnLibsWithTags: ['scope:http', 'layer:data', 'layer:concern', 'layer:platform', 'layer:kernel'],
  },
  {
    sourceTag: 'layer:client',
    onlyDependOnLibsWithTags: ['scope:contracts'],
    bannedExternalImports: clients.filter((name) => name !== 'ws'),
  },
  {
    sourceTag: 'layer:app',
    onlyDependOnLibsWithTags: ['layer:edge', 'layer:data', 'layer:concern', 'layer:platform', 'layer:kernel'],
  },
  { sourceTag: 'layer:tool', onlyDependOnLibsWithTags: ['layer:tool'] },
  {
    sourceTag: 'layer:test',
    onlyDependOnLibsWithTags: [
      'layer:tool',
      'layer:client',
      'layer:edge',
      'layer:data',
      'layer:concern',
      'layer:platform',
      'layer:kernel',
    ],
  },
];

export default defineConfig(
  { ignores: ['**/dist', '**/node_modules', '**/tmp', '**/.nx', '**/.local', '**/*.cjs', 'eslint.config.mjs'] },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    plugins: { '@nx': nx },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@nx/enforce-module-boundaries': [
        'error',
        { enforceBuildableLibDependency: false, banTransitiveDependencies: false, allow: [], depConstraints: layers },
      ],
    },
  },
  { files: ['apps/**/*.ts', 'libs/**/*.ts'], rules: { ...restrictedImports(), ...noEnvironment } },
  ...Object.keys(owners).map((owner) => ({ files: [`${owner}/**/*.ts`], rules: restrictedImports([owner]) })),
  {
    // Pages run it.
    files: ['libs/client/src/**/*.ts'],
    ignores: ['**/*.spec.ts', '**/*-fixture.ts'],
    rules: {
      'no-restricted-imports': ['error', { patterns: [{ group: ['node:*'], message: 'Browsers have no Node.' }] }],
      'no-restricted-globals': ['error', 'process', 'Buffer', 'global', 'setImmediate', 'require'],
    },
  },
  { files: ['libs/config/**/*.ts'], rules: { 'no-restricted-syntax': 'off' } },
  {
    files: ['**/*.mjs'],
    languageOptions: {
      globals: { process: 'readonly', console: 'readonly', SharedArrayBuffer: 'readonly', Atomics: 'readonly' },
    },
  },
  { files: ['**/*.spec.ts'], rules: { '@typescript-eslint/unbound-method': 'off' } },
  prettier,
);
