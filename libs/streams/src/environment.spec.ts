import { ConfigError, loadConfig } from '@tidegate/config';
import { schemaRegistryEnvironmentSchema } from './environment';

const read = (env: Record<string, string>) => loadConfig(schemaRegistryEnvironmentSchema, env).schemaRegistry;
const url = 'https://schemas.example/api';

describe('the environment of the schema registry', () => {
  it('is nothing, a URL, or a URL and credentials', () => {
    expect(read({})).toBeUndefined();
    expect(read({ SCHEMA_REGISTRY_URL: url })).toMatchObject({ url });
    const credentials = { SCHEMA_REGISTRY_USERNAME: 'u', SCHEMA_REGISTRY_PASSWORD: 'p' };
    expect(read({ SCHEMA_REGISTRY_URL: url, ...credentials })).toEqual({ url, username: 'u', password: 'p' });
  });

  it.each([
    [{ SCHEMA_REGISTRY_URL: 'schemas' }, /SCHEMA_REGISTRY_URL/],
    [{ SCHEMA_REGISTRY_USERNAME: 'u', SCHEMA_REGISTRY_PASSWORD: 'hunter2' }, /SCHEMA_REGISTRY_URL/],
    [{ SCHEMA_REGISTRY_URL: url, SCHEMA_REGISTRY_USERNAME: 'u' }, /SCHEMA_REGISTRY_PASSWORD/],
    [{ SCHEMA_REGISTRY_URL: url, SCHEMA_REGISTRY_PASSWORD: 'hunter2' }, /SCHEMA_REGISTRY_USERNAME/],
  ])('is refused by the names of what is wrong: %j', (env, names) => {
    expect(() => read(env)).toThrow(ConfigError);
    expect(() => read(env)).toThrow(names);
    expect(() => read(env)).not.toThrow(/hunter2/);
  });
});
