import { z } from 'zod';

const name = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, 'expected lower-case letters, digits and hyphens');
const dayMs = 86_400_000;
const longestMs = 366 * dayMs;
const usualMs = 90 * dayMs;

export const newApiKeySchema = z.strictObject({
  client: name,
  /** Of a client that the file of API keys does not name. */
  tenant: name.optional(),
  /** No key may make keys. */
  roles: z
    .array(name.refine((role) => role !== 'platform', 'no key is given the role platform'))
    .min(1)
    .max(16)
    .optional(),
  scopes: z
    .array(
      z
        .string()
        .regex(/^[a-z][a-z0-9-]*:(?:read|write|manage)$/, 'expected <resource>:<action>')
        // The file may give its client any role.
        .refine((scope) => !scope.startsWith('api-keys:'), 'no key may make keys'),
    )
    .min(1)
    .max(64),
  expiresAt: z.iso
    .datetime({ offset: true })
    .refine((text) => Date.parse(text) > Date.now(), 'lies in the past')
    .refine((text) => Date.parse(text) <= Date.now() + longestMs, 'lies more than a year ahead')
    .default(() => new Date(Date.now() + usualMs).toISOString()),
});
export type NewApiKeyBody = z.output<typeof newApiKeySchema>;

export const signOutSchema = z.strictObject({ subject: z.string().min(1).max(256), tenant: name.optional() });
export type SignOutBody = z.output<typeof signOutSchema>;

export interface ApiKeyRow {
  id: string;
  client: string;
  tenant: string | null;
  roles: readonly string[];
  kind: 'api-key' | 'certificate';
  scopes: readonly string[];
  expiresAt: string;
}
