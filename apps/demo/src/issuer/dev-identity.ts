import { AppError, type FieldProblem } from '@tidegate/errors';
import { z } from 'zod';
import { tenantOf, tenants, type Tenant } from '../tenant';

export const roles = [
  'customer',
  'service',
  'support',
  'operator',
  'retail-analyst',
  'business-analyst',
  'partner',
  'reporting',
  'auditor',
  'platform',
] as const;
type Role = (typeof roles)[number];

/** Whether a token of the role names a tenant. */
const tenancy: Record<Role, 'by household' | 'optional' | 'needed' | 'none'> = {
  customer: 'by household',
  service: 'optional',
  support: 'needed',
  operator: 'needed',
  'retail-analyst': 'needed',
  'business-analyst': 'needed',
  partner: 'needed',
  reporting: 'none',
  auditor: 'none',
  platform: 'none',
};

const requestSchema = z.strictObject({
  role: z.enum(roles, { error: `must be one of ${roles.join(', ')}` }),
  subject: z
    .string()
    .regex(/^[\w.@-]{1,64}$/, 'must be 1 to 64 letters, digits or any of . _ @ -')
    .optional(),
  tenant: z.enum(tenants, { error: `must be ${tenants.join(' or ')}` }).optional(),
  expiresInSeconds: z
    .int('must be a whole number')
    .min(1, 'must be at least 1')
    .max(86_400, 'must be at most 86400')
    .optional(),
});

export interface DevIdentity {
  subject: string;
  tenant: Tenant | undefined;
  roles: string[];
  expiresInSeconds: number;
}

/**
 * Who a development token is for: `{role, subject?, tenant?, expiresInSeconds?}`.
 * @throws AppError `invalid_argument` that names each bad field.
 */
export function devIdentity(request: unknown): DevIdentity {
  const parsed = requestSchema.safeParse(request);
  if (!parsed.success) throw refusal(parsed.error.issues.map(toProblem));
  const { role, subject, tenant, expiresInSeconds = 3_600 } = parsed.data;
  const common = { roles: [role], expiresInSeconds };
  if (tenancy[role] === 'by household') return { ...common, ...household(subject, tenant) };
  checkTenant(role, tenant);
  return { ...common, subject: subject ?? (tenant === undefined ? role : `${role}-${tenant}`), tenant };
}

function household(subject: string | undefined, tenant: Tenant | undefined): { subject: string; tenant: Tenant } {
  if (subject === undefined || !/^[1-9]\d{0,9}$/.test(subject)) {
    throw refusal([{ pointer: '/subject', detail: 'must be the number of a household, such as 13' }]);
  }
  const own = tenantOf(subject);
  if (tenant !== undefined && tenant !== own) {
    throw refusal([{ pointer: '/tenant', detail: `household ${subject} belongs to ${own}` }]);
  }
  return { subject, tenant: own };
}

function checkTenant(role: Role, tenant: Tenant | undefined): void {
  if (tenancy[role] === 'needed' && tenant === undefined) {
    throw refusal([{ pointer: '/tenant', detail: `is needed for ${role}: ${tenants.join(' or ')}` }]);
  }
  if (tenancy[role] === 'none' && tenant !== undefined) {
    throw refusal([{ pointer: '/tenant', detail: `${role} belongs to no tenant` }]);
  }
}

function toProblem(issue: z.core.$ZodIssue): FieldProblem {
  if (issue.code === 'unrecognized_keys') {
    return { pointer: '', detail: `unknown fields: ${issue.keys.join(', ')}` };
  }
  return { pointer: issue.path.map((part) => `/${String(part)}`).join(''), detail: issue.message };
}

function refusal(problems: FieldProblem[]): AppError {
  const listed = problems.map(({ pointer, detail }) => `${pointer.slice(1) || 'body'} ${detail}`).join('; ');
  return new AppError('invalid_argument', `No token for this request: ${listed}.`, { details: problems });
}
