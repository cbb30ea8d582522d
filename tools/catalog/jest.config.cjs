module.exports = require('../../jest.preset.cjs')(__dirname, {
  displayName: 'catalog-tools',
  testMatch: ['<rootDir>/*.spec.ts'],
});
