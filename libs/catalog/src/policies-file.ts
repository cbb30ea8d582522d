import { contractShapes, type ContractName, type ObjectShape, type Shape } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import { compileCondition, type Condition } from '@tidegate/expression';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { name, strict, type CatalogFile, type FieldPath } from './catalog-file';
import { checkColumns, columnsSchema, type Columns } from './columns';
import type { Streams } from './streams-file';

const actions = ['read', 'write', 'manage'] as const;
export type Action = (typeof actions)[number];

const names = z.array(name).min(1);
const grantSchema = strict({
  id: name,
  roles: names,
  resources: names,
  actions: z.array(z.enum(actions)).min(1).default(['read']),
  where: z.string().min(1).exactOptional(),
  columns: columnsSchema.prefault({}),
  tenants: z.enum(['own', 'all']).default('own'),
});
const roles = names.exactOptional();
const fileSchema = strict({ roles, grants: z.array(z.unknown()) });

/** The whole file, for editors. */
export const policiesFileSchema = strict({ roles, grants: z.array(grantSchema) });

/** What somebody with one of the roles may see of the resources. */
export interface Grant {
  readonly id: string;
  readonly roles: readonly string[];
  readonly resources: readonly string[];
  readonly actions: readonly Action[];
  /** Without it, all rows of the caller's tenant. */
  readonly where?: Condition;
  readonly columns: Columns;
  /** `all`: rows of other tenants too. */
  readonly tenants: 'own' | 'all';
}

interface Policies {
  grants: readonly Grant[];
  roles?: readonly string[];
}

export function readPolicies(file: CatalogFile, streams: Streams): Policies {
  const reader = new GrantReader(file, streams);
  const { roles, grants = [] } = file.readAll(fileSchema) ?? {};
  const read = grants.flatMap((value, index) => reader.read(value, ['grants', index]) ?? []);
  return { grants: read, ...(roles && { roles }) };
}

class GrantReader {
  private readonly ids = new Set<string>();
  private readonly commonShapes = new Map<string, ObjectShape>();

  constructor(
    private readonly file: CatalogFile,
    private readonly streams: Streams,
  ) {}

  read(value: unknown, path: FieldPath): Grant | undefined {
    const grant = this.file.read(grantSchema, value, path);
    if (grant === undefined) return undefined;
    const { where: source, ...rest } = grant;
    if (this.ids.has(grant.id)) this.file.report([...path, 'id'], `"${grant.id}" names another grant already`);
    this.ids.add(grant.id);
    const contracts = this.contractsOf(grant.resources, [...path, 'resources']);
    this.refuseWrites(grant, [...path, 'actions']);
    for (const contract of contracts) {
      const shape = contractShapes[contract];
      checkColumns(this.file, [...path, 'columns'], grant.columns, { name: contract, shape });
    }
    const where = source === undefined ? undefined : this.compile(source, contracts, [...path, 'where']);
    return where === undefined ? rest : { ...rest, where };
  }

  private contractsOf(resources: readonly string[], path: FieldPath): ContractName[] {
    const { valid, declared } = this.streams;
    resources.forEach((resource, index) => {
      if (declared?.has(resource) === false) {
        this.file.report([...path, index], `there is no stream "${resource}"; there are ${[...declared].join(', ')}`);
      }
    });
    return [...new Set(resources.flatMap((resource) => valid.get(resource)?.schema ?? []))];
  }

  private refuseWrites({ resources, actions }: Pick<Grant, 'resources' | 'actions'>, path: FieldPath): void {
    const view = resources.find((resource) => this.streams.valid.get(resource)?.view !== undefined);
    actions.forEach((action, index) => {
      if (view === undefined || action === 'read') return;
      this.file.report([...path, index], `"${view}" is a view, which can only be read; grant this on its stream`);
    });
  }

  /** The condition must hold for the contract of each resource; it then runs on what they have in common. */
  private compile(source: string, contracts: readonly ContractName[], path: FieldPath): Condition | undefined {
    try {
      const [condition, ...others] = contracts.map((name) => compileCondition(source, { row: contractShapes[name] }));
      return others.length === 0 ? condition : compileCondition(source, { row: this.commonShape(contracts) });
    } catch (error) {
      this.file.report(path, AppError.from(error).message);
      return undefined;
    }
  }

  private commonShape(contracts: readonly ContractName[]): ObjectShape {
    const key = contracts.join(' ');
    const shape = this.commonShapes.get(key) ?? common(contracts.map((name) => contractShapes[name]));
    this.commonShapes.set(key, shape);
    return shape;
  }
}

function common([first, ...others]: readonly ObjectShape[]): ObjectShape {
  const fields = new Map<string, Shape>();
  for (const [field, shape] of first?.fields ?? []) {
    const shapes = others.map((other) => other.fields.get(field));
    if (shapes.includes(undefined)) continue;
    const same = shapes.every((other) => isDeepStrictEqual(other, shape));
    fields.set(field, same && !('of' in shape) && !('fields' in shape) ? shape : { kind: 'any' });
  }
  return { kind: 'object', fields };
}
