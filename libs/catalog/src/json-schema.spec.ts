import Ajv from 'ajv/dist/2020';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { devicesFileSchema } from './devices-file';
import { policiesFileSchema } from './policies-file';
import { streamsFileSchema } from './streams-file';
import { tenantsFileSchema } from './tenants-file';

const directory = join(__dirname, '../../../catalog');
const schemas = {
  tenants: tenantsFileSchema,
  streams: streamsFileSchema,
  policies: policiesFileSchema,
  devices: devicesFileSchema,
};

describe.each(Object.entries(schemas))('catalog/schema of %s', (name, schema) => {
  const path = join(directory, 'schema', `${name}.json`);
  const jsonSchema = z.toJSONSchema(schema, { io: 'input' });

  it('says what the loader checks; delete the file and run this twice to write it anew', () => {
    const existed = existsSync(path);
    if (!existed) {
      mkdirSync(join(directory, 'schema'), { recursive: true });
      writeFileSync(path, `${JSON.stringify(jsonSchema, null, 2)}\n`);
    }
    expect(existed).toBe(true);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(JSON.parse(JSON.stringify(jsonSchema)));
  });

  it('accepts the shipped file and refuses unknown keys', () => {
    const validate = new Ajv({ strict: false }).compile(jsonSchema);
    const content = parse(readFileSync(join(directory, `${name}.yaml`), 'utf8')) as object;
    expect(validate(content)).toBe(true);
    expect(validate({ ...content, extra: 1 })).toBe(false);
  });
});
