import type { Columns, Mask } from '@tidegate/catalog';
import type { JsonObject, JsonValue, ObjectShape, Shape } from '@tidegate/contracts';
import fc from 'fast-check';
import { project } from './projection';
import { together, visibilityOf } from './visibility';

const object = (fields: Record<string, Shape>): ObjectShape => ({
  kind: 'object',
  fields: new Map(Object.entries(fields)),
});
const text = { kind: 'string' } as const;
const number = { kind: 'number' } as const;
const shape = object({
  id: text,
  home: object({ city: text, geo: object({ lat: number, lon: number }) }),
  lines: { kind: 'list', of: object({ sku: text, price: number, notes: { kind: 'list', of: text } }) },
  tags: { kind: 'list', of: text },
  stores: { kind: 'map', of: object({ stock: number, buyer: text }) },
  names: { kind: 'map', of: { kind: 'list', of: text } },
});

const paths: [path: string, shape: Shape][] = [];
(function walk(node: Shape, prefix: string): void {
  if (node.kind === 'list' || node.kind === 'map') return walk(node.of, prefix);
  if (node.kind !== 'object') return;
  for (const [name, field] of node.fields) {
    paths.push([prefix + name, field]);
    walk(field, `${prefix}${name}.`);
  }
})(shape, '');
const innermost = (node: Shape): Shape => (node.kind === 'list' || node.kind === 'map' ? innermost(node.of) : node);

const under = (path: string, other: string) => other.startsWith(`${path}.`);
const covered = ({ allow }: Columns, path: string) =>
  !allow || allow.some((rule) => rule === path || under(rule, path));
const touched = (grant: Columns, path: string) =>
  covered(grant, path) || grant.allow?.some((rule) => under(path, rule));
const hides = ({ deny }: Columns, path: string) => deny.includes(path);
const maskOf = ({ mask }: Columns, path: string): Mask | undefined => mask[path];

/** Whether a grant shows anything of a value that it neither denies nor masks as a whole. */
function shows(grant: Columns, node: Shape, path: string): boolean {
  if (node.kind === 'list' || node.kind === 'map') return shows(grant, node.of, path);
  if (node.kind !== 'object') return covered(grant, path);
  return [...node.fields].some(([name, field]) => {
    const at = path === '' ? name : `${path}.${name}`;
    if (hides(grant, at)) return false;
    return maskOf(grant, at) === undefined ? shows(grant, field, at) : touched(grant, at) === true;
  });
}

/** A value by the rules as they read: what each grant says of its path, and the most generous of that. */
function model(grants: readonly Columns[], node: Shape, path: string, value: JsonValue): JsonValue | undefined {
  const left = grants.filter((grant) => !hides(grant, path));
  const open = left.filter((grant) => maskOf(grant, path) === undefined && shows(grant, node, path));
  const masks = left.flatMap((grant) => (touched(grant, path) ? (maskOf(grant, path) ?? []) : []));
  return inside(open, masks, node, path, value);
}

function inside(
  open: readonly Columns[],
  masks: readonly Mask[],
  node: Shape,
  path: string,
  value: JsonValue,
): JsonValue | undefined {
  const parts = masks.filter((mask) => mask !== 'redact');
  if (node.kind === 'list' || node.kind === 'map') {
    // Redacted, a list shows not even how long it is; a part is kept of each item.
    if (open.length + parts.length === 0) return masks.length === 0 ? undefined : null;
    const item = (one: JsonValue) => inside(open, parts, node.of, path, one);
    if (value === null) return null;
    if (node.kind === 'list' && Array.isArray(value)) return value.map(item).filter((one) => one !== undefined);
    if (node.kind === 'list' || typeof value !== 'object' || Array.isArray(value)) return undefined;
    return entriesOf(value, ([key, one]) => [key, item(one)]);
  }
  if (open.length > 0) return clear(open, node, path, value);
  if (masks.length === 0) return undefined;
  const shown = parts.flatMap((mask) => partOf(mask, value)).sort(([a], [b]) => b - a);
  return shown[0]?.[1] ?? (node.kind === 'string' ? '***' : null);
}

function clear(open: readonly Columns[], node: Shape, path: string, value: JsonValue): JsonValue | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (node.kind !== 'object') return typeof value === 'object' && value !== null ? undefined : value;
  if (!isObject) return value === null ? null : undefined;
  return entriesOf(value, ([name, one]) => {
    const field = node.fields.get(name);
    return [name, field && model(open, field, path === '' ? name : `${path}.${name}`, one)];
  });
}

function entriesOf(
  value: JsonObject,
  seen: (entry: [string, JsonValue]) => [string, JsonValue | undefined],
): JsonObject {
  return Object.fromEntries(
    Object.entries(value)
      .map(seen)
      .filter(([, one]) => one !== undefined),
  ) as JsonObject;
}

function partOf(mask: Mask, value: JsonValue): [number, JsonValue][] {
  if (typeof value === 'number' && mask !== 'redact' && 'generalise' in mask) {
    const width = mask.generalise as number;
    return [[1 / width, Math.floor(value / width) * width]];
  }
  if (typeof value !== 'string' || mask === 'redact' || !('keepLast' in mask)) return [];
  return value.length <= mask.keepLast ? [] : [[mask.keepLast, `***${value.slice(-mask.keepLast)}`]];
}

const path = fc.constantFrom(...paths.map(([name]) => name));
const maskFor = (node: Shape): fc.Arbitrary<Mask> => {
  const redact = fc.constant<Mask>('redact');
  const kept = fc.integer({ min: 1, max: 3 });
  if (innermost(node).kind === 'string')
    return fc.oneof(
      redact,
      kept.map((keepLast) => ({ keepLast })),
    );
  return innermost(node).kind === 'number'
    ? fc.oneof(
        redact,
        kept.map((generalise) => ({ generalise })),
      )
    : redact;
};
const masks = fc
  .uniqueArray(fc.constantFrom(...paths), { maxLength: 4 })
  .chain((chosen) => fc.record(Object.fromEntries(chosen.map(([name, node]) => [name, maskFor(node)]))));
const grant: fc.Arbitrary<Columns> = fc
  .tuple(
    fc.option(fc.uniqueArray(path, { minLength: 1, maxLength: 5 }), { nil: undefined }),
    fc.uniqueArray(path, { maxLength: 3 }),
    masks,
  )
  .map(([allow, deny, mask]) => ({ ...(allow && { allow }), deny, mask }));

const odd: fc.Arbitrary<JsonValue> = fc.constantFrom<JsonValue[]>(null, 7, 'text', [], {}, [1], { city: 1 }, true);
const value = (node: Shape): fc.Arbitrary<JsonValue> => {
  const good = ((): fc.Arbitrary<JsonValue> => {
    switch (node.kind) {
      case 'string':
        return fc.constantFrom('', 'ab', 'abcd');
      case 'number':
        return fc.integer({ min: -9, max: 9 });
      case 'list':
        return fc.array(value(node.of), { maxLength: 2 });
      case 'map':
        return fc.dictionary(fc.constantFrom('a', 'b', '__proto__', 'constructor'), value(node.of), {
          noNullPrototype: true,
        });
      default: {
        const fields = node.kind === 'object' ? [...node.fields] : [];
        const known = fields.map(([name, field]) => [name, value(field)] as const);
        return fc.record(Object.fromEntries([...known, ['extra', odd]]), {
          requiredKeys: [],
        }) as fc.Arbitrary<JsonValue>;
      }
    }
  })();
  return fc.oneof({ weight: 9, arbitrary: good }, { weight: 1, arbitrary: odd });
};

describe('columns through objects, lists and maps, beside a plain model', () => {
  it('show the same of any value by any grants together', () => {
    fc.assert(
      fc.property(fc.array(grant, { minLength: 1, maxLength: 3 }), value(shape), (grants, row) => {
        const before = JSON.stringify(row);
        const visibilities = grants.map((columns) => visibilityOf(columns, shape));
        const seen = project(visibilities.reduce(together), row);
        expect(seen).toEqual(model(grants, shape, '', row));
        expect(JSON.stringify(row)).toBe(before);
      }),
      { numRuns: 500 },
    );
  });
});
