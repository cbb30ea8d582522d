import type { z } from 'zod';
import { contractSchemas, type ContractName } from './contract';

/** What a contract says of a value: enough to type conditions and to walk rows. */
export type Shape = (
  | { readonly kind: 'number' | 'boolean' | 'any' }
  | {
      readonly kind: 'string';
      /** A time or a date, RFC 3339. */
      readonly moment?: boolean;
      /** All that it can be. */
      readonly oneOf?: readonly string[];
    }
  | { readonly kind: 'list' | 'map'; readonly of: Shape }
  | { readonly kind: 'object'; readonly fields: ReadonlyMap<string, Shape> }
) & { readonly nullable?: boolean };

export type ObjectShape = Extract<Shape, { kind: 'object' }>;

/** The shape of a schema's values. What it does not know the inside of is `any`. */
export function shapeOf(schema: z.ZodObject): ObjectShape {
  const fields = new Map<string, Shape>();
  for (const [name, field] of Object.entries<z.core.$ZodType>(schema.shape)) fields.set(name, fieldShape(field));
  return { kind: 'object', fields };
}

function fieldShape(field: z.core.$ZodType): Shape {
  const { def } = field._zod as z.core.$ZodTypes['_zod'];
  switch (def.type) {
    case 'string':
      return { kind: 'string', ...('format' in def && /^date/.test(String(def.format)) && { moment: true }) };
    case 'number':
    case 'boolean':
      return { kind: def.type };
    case 'enum':
      return enumShape(Object.values(def.entries));
    case 'literal':
      return enumShape(def.values);
    case 'object':
      return shapeOf(field as z.ZodObject);
    case 'array':
      return { kind: 'list', of: fieldShape(def.element) };
    case 'record':
      return { kind: 'map', of: fieldShape(def.valueType) };
    case 'optional':
      return fieldShape(def.innerType);
    case 'nullable':
      return { ...fieldShape(def.innerType), nullable: true };
    case 'pipe':
      return fieldShape(def.out);
    default:
      return { kind: 'any' };
  }
}

function enumShape(entries: readonly unknown[]): Shape {
  const texts = entries.filter((entry) => typeof entry === 'string');
  return texts.length === entries.length ? { kind: 'string', oneOf: texts } : { kind: 'any' };
}

/** The shapes of the contracts, by the names that the catalog's `schema:` uses. */
export const contractShapes: Readonly<Record<ContractName, ObjectShape>> = {
  order: shapeOf(contractSchemas.order),
  customer: shapeOf(contractSchemas.customer),
  account: shapeOf(contractSchemas.account),
  transaction: shapeOf(contractSchemas.transaction),
  telemetry: shapeOf(contractSchemas.telemetry),
  audit: shapeOf(contractSchemas.audit),
};
