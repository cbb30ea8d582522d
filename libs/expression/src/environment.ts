import { Environment } from '@marcbachmann/cel-js';
import type { ObjectShape, Shape } from '@tidegate/contracts';

/** What an author may need and a hostile text may not exceed. */
const limits = { maxAstNodes: 500, maxDepth: 20 };

/** A row as conditions see it: only the fields that a condition names, so no other field can change its outcome. */
export type TypedRow = Record<string, unknown>;

/** Environments for one kind of row. */
export interface Environments {
  /** Knows every type, down to nested fields: refuses what cannot be right. Evaluates nothing. */
  checking: Environment;
  /** Types only what the library verifies at run time; numbers are open, as a row has doubles and 64-bit integers. */
  running: Environment;
  createRow: () => TypedRow;
}

/** The caller as conditions see them. */
export class Subject {
  id?: unknown;
  tenant?: unknown;
  roles?: unknown;
  claims?: unknown;
}

const subjectFields = { id: 'string', tenant: 'string', roles: 'list<string>', claims: 'map' };
const environments = new WeakMap<ObjectShape, Environments>();

export function environmentsFor(shape: ObjectShape): Environments {
  const known = environments.get(shape);
  if (known !== undefined) return known;
  // A class of its own per shape, since the library finds a value's fields by its constructor.
  const Row = class {};
  const running = empty().registerType('Row', { ctor: Row, fields: runningFields(shape) });
  const checking = empty();
  registerShape(checking, 'Row', shape);
  for (const environment of [running, checking]) {
    environment.registerType('Subject', { ctor: Subject, fields: subjectFields });
    environment.registerVariable('row', 'Row').registerVariable('sub', 'Subject');
  }
  const made = { checking, running, createRow: () => new Row() as TypedRow };
  environments.set(shape, made);
  return made;
}

function empty(): Environment {
  return new Environment({ unlistedVariablesAreDyn: false, limits });
}

function runningFields({ fields }: ObjectShape): Record<string, string> {
  return Object.fromEntries([...fields].map(([name, shape]) => [name, runningType(shape)]));
}

function runningType(shape: Shape): string {
  if (shape.nullable) return 'dyn';
  switch (shape.kind) {
    case 'string':
      return 'string';
    case 'boolean':
      return 'bool';
    case 'list':
      return 'list';
    case 'map':
    case 'object':
      return 'map';
    default:
      return 'dyn';
  }
}

function registerShape(environment: Environment, name: string, { fields }: ObjectShape): void {
  const types = [...fields].map(([field, shape]) => [field, checkedType(environment, `${name}.${field}`, shape)]);
  environment.registerType(name, { fields: Object.fromEntries(types) as Record<string, string> });
}

function checkedType(environment: Environment, name: string, shape: Shape): string {
  if (shape.nullable) return 'dyn';
  switch (shape.kind) {
    case 'string':
      return 'string';
    case 'number':
      return 'double';
    case 'boolean':
      return 'bool';
    case 'list':
      return `list<${checkedType(environment, name, shape.of)}>`;
    case 'map':
      return `map<string, ${checkedType(environment, name, shape.of)}>`;
    case 'object':
      registerShape(environment, name, shape);
      return name;
    case 'any':
      return 'dyn';
  }
}
