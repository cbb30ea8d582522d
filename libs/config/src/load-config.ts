import { AppError } from '@tidegate/errors';
import type { z } from 'zod';

export type Environment = Readonly<Record<string, string | undefined>>;

/** One variable that cannot be used, and what is expected of it; never its value. */
export interface VariableProblem {
  variable: string;
  expected: string;
}

/** The environment does not fit: `problems` and the message name every bad variable, never a value. */
export class ConfigError extends AppError {
  constructor(readonly problems: readonly VariableProblem[]) {
    const lines = problems.map(({ variable, expected }) => `  ${variable}: ${expected}`);
    super('invalid_config', `The configuration is not valid:\n${lines.join('\n')}`, {
      details: problems.map(({ variable, expected }) => ({ pointer: `/${variable}`, detail: expected })),
    });
  }
}

/**
 * What the environment says, checked as a whole and deeply frozen. An empty variable counts as not set.
 * @throws ConfigError that lists all bad variables.
 */
export function loadConfig<S extends z.ZodType>(schema: S, env: Environment = process.env): Readonly<z.infer<S>> {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const result = schema.safeParse(set, {
    reportInput: false,
    error: (issue) => (issue.input === undefined ? 'expected a value' : undefined),
  });
  if (!result.success) throw new ConfigError(result.error.issues.map((issue) => problemOf(issue, set)));
  return deepFreeze(result.data);
}

function problemOf(issue: z.core.$ZodIssue, set: Environment): VariableProblem {
  const variable = issue.path.map(String).join('.') || 'environment';
  const missing = issue.path.length === 1 && set[variable] === undefined;
  return { variable, expected: missing ? `not set; ${issue.message}` : issue.message };
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value) || ArrayBuffer.isView(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
