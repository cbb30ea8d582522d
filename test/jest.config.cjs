module.exports = require('../jest.preset.cjs')(__dirname, {
  testMatch: ['<rootDir>/**/*.spec.ts'],
  maxWorkers: 2,
  testTimeout: 60_000,
});
