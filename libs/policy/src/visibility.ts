import type { Columns, Mask } from '@tidegate/catalog';
import type { ObjectShape, Shape } from '@tidegate/contracts';
import { mostGenerousFirst } from './mask';

/** What may be seen of a value, along the shape of its contract. */
export type Visibility =
  | { readonly kind: 'hidden' }
  /** `any`: a value that the contract knows no inside of, shown as it is. */
  | { readonly kind: 'clear'; readonly any: boolean }
  | { readonly kind: 'masked'; readonly masks: readonly Mask[]; readonly text: boolean }
  | { readonly kind: 'object'; readonly fields: ReadonlyMap<string, Visibility> }
  | { readonly kind: 'list' | 'map'; readonly of: Visibility };

const hidden: Visibility = { kind: 'hidden' };

/** What the columns of one grant show of rows of a contract. */
export function visibilityOf(columns: Columns, shape: ObjectShape): Visibility {
  return inside(columns, shape, '', columns.allow === undefined);
}

function at(columns: Columns, shape: Shape, path: string, allowedAbove: boolean): Visibility {
  if (columns.deny.includes(path)) return hidden;
  const allowed = allowedAbove || columns.allow?.includes(path) === true;
  const mask = Object.hasOwn(columns.mask, path) ? columns.mask[path] : undefined;
  if (mask === undefined) return inside(columns, shape, path, allowed);
  return allowed || columns.allow?.some((other) => other.startsWith(`${path}.`)) ? behind(mask, shape) : hidden;
}

function inside(columns: Columns, shape: Shape, path: string, allowed: boolean): Visibility {
  switch (shape.kind) {
    case 'object': {
      const prefix = path === '' ? '' : `${path}.`;
      const fields = [...shape.fields].map(([name, field]) => {
        return [name, at(columns, field, prefix + name, allowed)] as const;
      });
      return fields.every(([, field]) => field.kind === 'hidden')
        ? hidden
        : { kind: 'object', fields: new Map(fields) };
    }
    case 'list':
    case 'map': {
      const of = inside(columns, shape.of, path, allowed);
      return of.kind === 'hidden' ? hidden : { kind: shape.kind, of };
    }
    default:
      return allowed ? { kind: 'clear', any: shape.kind === 'any' } : hidden;
  }
}

/** A list or map of text keeps a part of each item; redacted, it shows not even how many there are. */
function behind(mask: Mask, shape: Shape): Visibility {
  if (mask !== 'redact' && (shape.kind === 'list' || shape.kind === 'map')) {
    return { kind: shape.kind, of: behind(mask, shape.of) };
  }
  return { kind: 'masked', masks: [mask], text: shape.kind === 'string' };
}

/** What two grants on the same contract show together: each part as the more generous of them shows it. */
export function together(a: Visibility, b: Visibility): Visibility {
  if (a.kind === 'hidden' || b.kind === 'clear') return b;
  if (b.kind === 'hidden' || a.kind === 'clear') return a;
  if (a.kind === 'masked') return b.kind === 'masked' ? { ...a, masks: mostGenerousFirst(a.masks, b.masks) } : b;
  if (b.kind === 'masked') return a;
  if (a.kind === 'object' && b.kind === 'object') {
    const fields = [...a.fields].map(([name, field]) => [name, together(field, b.fields.get(name) ?? hidden)] as const);
    return { kind: 'object', fields: new Map(fields) };
  }
  // Both follow one contract, so that lists meet lists.
  if (a.kind !== 'object' && b.kind !== 'object') return { kind: a.kind, of: together(a.of, b.of) };
  return hidden;
}

/** Whether nothing that the contract has is hidden or masked. */
export function isClear(visibility: Visibility): boolean {
  switch (visibility.kind) {
    case 'clear':
      return true;
    case 'object':
      return [...visibility.fields.values()].every(isClear);
    case 'list':
    case 'map':
      return isClear(visibility.of);
    default:
      return false;
  }
}

/** Whether some text is shown as a hash, which takes the key of a tenant. */
export function hasHash(visibility: Visibility): boolean {
  switch (visibility.kind) {
    case 'masked':
      return visibility.masks.some((mask) => mask !== 'redact' && 'hash' in mask);
    case 'object':
      return [...visibility.fields.values()].some(hasHash);
    case 'list':
    case 'map':
      return hasHash(visibility.of);
    default:
      return false;
  }
}

/** What is visible of a path such as `lines.unitPrice`; hidden for one that the contract does not have. */
export function follow(visibility: Visibility, path: string): Visibility {
  let found = visibility;
  for (const segment of path.split('.')) {
    while (found.kind === 'list' || found.kind === 'map') found = found.of;
    found = (found.kind === 'object' ? found.fields.get(segment) : undefined) ?? hidden;
  }
  return found;
}
