import type { JsonObject, ObjectShape } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import { celValue } from './cel-value';
import { conjunctsOf, demandsOf, type Demands } from './demands';
import { environmentsFor, Subject, type TypedRow } from './environment';
import { Inspection, Refusal, type ConditionUses } from './inspection';
import { makeStrict } from './strict-comparison';

/** What a condition may speak of: the fields of `row`. `sub` always has `id`, `tenant`, `roles` and `claims`. */
export interface ConditionVariables {
  readonly row: ObjectShape;
}

/** `sub` is `{ id, tenant?, roles, claims }` and must not change once it was given to a condition. */
export interface ConditionScope {
  readonly row: JsonObject;
  readonly sub: JsonObject;
}

/** `error`: it could not be evaluated, so it must not count as true. */
export type Verdict = 'match' | 'no-match' | 'error';

/** Why a condition has its verdict: those of its parts that must all be true, in order. */
export interface ConditionExplanation {
  readonly verdict: Verdict;
  /** Why it could not be evaluated. */
  readonly error?: string;
  readonly clauses: readonly { readonly source: string; readonly verdict: Verdict; readonly error?: string }[];
}

interface Program {
  run: (context: { row: TypedRow; sub: Subject }) => unknown;
  createRow: () => TypedRow;
  uses: ConditionUses;
  shape: ObjectShape;
}

const maxSourceLength = 4096;

/** A compiled condition over a row and the caller. Made by `compileCondition`. */
export class Condition {
  constructor(
    readonly source: string,
    private readonly program: Program,
  ) {}

  /** What it reads: top-level fields of the row (`lines`), and parts of the caller (`['claims', 'region']`). */
  get uses(): ConditionUses {
    return this.program.uses;
  }

  /** Never throws. Only a condition that is `true` matches; a missing field or a value of the wrong type is an error. */
  evaluate(scope: ConditionScope): Verdict {
    try {
      return this.judge(scope);
    } catch {
      return 'error';
    }
  }

  /** For people: takes much longer than `evaluate`. */
  explain(scope: ConditionScope): ConditionExplanation {
    const { shape } = this.program;
    const clauses = conjunctsOf(this.source, shape).map((source) => {
      return { source, ...compileCondition(source, { row: shape }).judged(scope) };
    });
    return { ...this.judged(scope), clauses };
  }

  /** What must hold for it to match, as far as its text alone says. */
  demands(): Demands {
    const { shape } = this.program;
    const isTrue = (source: string) => {
      const nobody = { row: {}, sub: {} };
      return compileCondition(source, { row: shape }).evaluate(nobody) === 'match';
    };
    return demandsOf(this.source, shape, isTrue);
  }

  private judged(scope: ConditionScope): { verdict: Verdict; error?: string } {
    try {
      const verdict = this.judge(scope);
      return verdict === 'error' ? { verdict, error: 'is neither true nor false' } : { verdict };
    } catch (error) {
      return { verdict: 'error', error: reasonOf(error) };
    }
  }

  private judge({ row, sub }: ConditionScope): Verdict {
    const verdict = this.program.run({ row: this.typedRow(row), sub: subjectOf(sub) });
    if (verdict === true) return 'match';
    return verdict === false ? 'no-match' : 'error';
  }

  private typedRow(row: JsonObject): TypedRow {
    const typed = this.program.createRow();
    for (const field of this.program.uses.row) {
      const value = Object.hasOwn(row, field) ? row[field] : undefined;
      if (value !== undefined) typed[field] = celValue(value);
    }
    return typed;
  }
}

/**
 * Compiles a CEL condition. Fields that the row does not have, types that do not fit, functions that are not offered
 * and conditions beyond the limits (4096 characters, 500 nodes, depth 20, no loop within a loop) are refused here.
 *
 * @throws AppError `invalid_argument` that says what is wrong and where in the source
 */
export function compileCondition(source: string, variables: ConditionVariables): Condition {
  if (source.length > maxSourceLength) throw refusal(source, `is longer than ${maxSourceLength} characters`);
  try {
    return new Condition(source, compile(source, variables.row));
  } catch (error) {
    throw explain(source, error, variables.row);
  }
}

function compile(source: string, shape: ObjectShape): Program {
  const { checking, running, createRow } = environmentsFor(shape);
  const strictlyTyped = checking.parse(source);
  // Before the type check, so that a function which is not offered is named as such.
  const { uses } = new Inspection(strictlyTyped.ast, shape);
  const { valid, type, error } = strictlyTyped.check();
  if (!valid) throw error ?? new Error('check failed');
  if (type !== 'bool') throw new Refusal(`is a ${type}, and must be true or false`, strictlyTyped.ast);
  const run = running.parse(source);
  const runningCheck = run.check();
  if (!runningCheck.valid) throw runningCheck.error ?? new Error('check failed');
  for (const comparison of new Inspection(run.ast, shape).comparisons) makeStrict(comparison);
  return { run, createRow, uses, shape };
}

const subjects = new WeakMap<JsonObject, Subject>();

function subjectOf(sub: JsonObject): Subject {
  const known = subjects.get(sub);
  if (known !== undefined) return known;
  const subject = new Subject();
  for (const part of ['id', 'tenant', 'roles', 'claims'] as const) {
    const value = Object.hasOwn(sub, part) ? sub[part] : undefined;
    if (value !== undefined) subject[part] = celValue(value);
  }
  subjects.set(sub, subject);
  return subject;
}

interface CelError {
  code: string;
  summary: string;
  range?: { start: number };
}

function reasonOf(error: unknown): string {
  if (isCelError(error)) return error.summary;
  return error instanceof Error ? error.message : 'cannot be evaluated';
}

function isCelError(error: unknown): error is CelError {
  return typeof error === 'object' && error !== null && 'code' in error && 'summary' in error;
}

function explain(source: string, error: unknown, shape: ObjectShape): AppError {
  if (error instanceof Refusal) return refusal(source, error.message, error.node.start);
  if (!isCelError(error)) return refusal(source, 'cannot be compiled', undefined, error);
  return refusal(source, `${error.summary}${mend(error, shape)}`, error.range?.start, error);
}

function mend({ code, summary }: CelError, { fields }: ObjectShape): string {
  switch (code) {
    case 'no_such_key':
      return ` (row has ${[...fields.keys()].join(', ')}; sub has id, tenant, roles, claims)`;
    case 'unknown_variable':
      return ' (there are row and sub)';
    case 'no_such_overload':
      return summary.includes('double') ? ' (a number of a row is a double: write 1.0 instead of 1)' : '';
    default:
      return '';
  }
}

function refusal(source: string, message: string, offset = 0, cause?: unknown): AppError {
  const before = source.slice(0, offset).split('\n');
  const position = `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
  return new AppError('invalid_argument', `condition at ${position}: ${message}`, { cause });
}
