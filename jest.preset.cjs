const fs = require('node:fs');
const path = require('node:path');
const { compilerOptions } = require('./tsconfig.base.json');
// One swc setting for Jest and for the bundles, so that tests run what ships.
const swc = { ...require('./swc.config.json'), sourceMaps: 'inline', module: { type: 'commonjs' } };

// Jest does not create the folder of its --outputFile.
fs.mkdirSync(path.join(__dirname, 'tmp/jest-results'), { recursive: true });

/** Jest options of one project: `module.exports = require('../../jest.preset.cjs')(__dirname)`. */
module.exports = (rootDir, overrides = {}) => ({
  rootDir,
  displayName: path.basename(rootDir),
  testEnvironment: 'node',
  testMatch: ['<rootDir>/src/**/*.spec.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest', swc] },
  moduleNameMapper: Object.fromEntries(
    Object.entries(compilerOptions.paths).map(([name, [file]]) => [`^${name}$`, path.join(__dirname, file)]),
  ),
  cacheDirectory: path.join(__dirname, 'tmp/jest-cache'),
  ...overrides,
});
