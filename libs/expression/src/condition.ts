import type { JsonObject } from '@tidegate/contracts';

/** What a row's field can be in a condition; `any` is judged at run time. */
export type FieldType = 'string' | 'number' | 'bool' | 'list' | 'map' | 'any';

/** What a condition may speak of: the fields of `row`. (`sub` always has id, tenant, roles, claims.) */
export interface ConditionVariables {
  row: Readonly<Record<string, FieldType>>;
}

export interface ConditionScope {
  row: JsonObject;
  sub: JsonObject;
}

export type Verdict = 'match' | 'no-match' | 'error';

/** A compiled condition over a row and the caller. */
export class Condition {
  constructor(readonly source: string) {}

  /** Never throws: what cannot be evaluated is an `error`. */
  evaluate(_scope: ConditionScope): Verdict {
    return 'error';
  }
}

/** @throws AppError `invalid_argument` that says what is wrong, and where. */
export function compileCondition(source: string, _variables: ConditionVariables): Condition {
  return new Condition(source);
}
