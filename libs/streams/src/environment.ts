import { url } from '@tidegate/config';
import { z } from 'zod';

const variables = z.object({
  SCHEMA_REGISTRY_URL: url().optional(),
  SCHEMA_REGISTRY_USERNAME: z.string().optional(),
  SCHEMA_REGISTRY_PASSWORD: z.string().optional(),
});

/** How an app's environment says where schemas of Avro come from; gives `{ schemaRegistry }`. Apps add it with `.and(…)`. */
export const schemaRegistryEnvironmentSchema = variables
  .superRefine((env, context) => {
    const { SCHEMA_REGISTRY_USERNAME: username, SCHEMA_REGISTRY_PASSWORD: password } = env;
    const problem = (name: keyof typeof env, message: string) =>
      context.addIssue({ code: 'custom', path: [name], message });
    if (username !== undefined && env.SCHEMA_REGISTRY_URL === undefined) {
      problem('SCHEMA_REGISTRY_URL', 'is missing beside SCHEMA_REGISTRY_USERNAME');
    }
    if (username !== undefined && password === undefined) {
      problem('SCHEMA_REGISTRY_PASSWORD', 'is missing beside SCHEMA_REGISTRY_USERNAME');
    }
    if (username === undefined && password !== undefined) {
      problem('SCHEMA_REGISTRY_USERNAME', 'is missing beside SCHEMA_REGISTRY_PASSWORD');
    }
  })
  .transform((env) => ({
    schemaRegistry:
      env.SCHEMA_REGISTRY_URL === undefined
        ? undefined
        : {
            url: env.SCHEMA_REGISTRY_URL,
            username: env.SCHEMA_REGISTRY_USERNAME,
            password: env.SCHEMA_REGISTRY_PASSWORD,
          },
  }));
