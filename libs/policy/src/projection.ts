import { isRawNumber, type JsonObject, type JsonValue } from '@tidegate/contracts';
import { masked, type Hasher } from './mask';
import type { Visibility } from './visibility';

/**
 * The visible part of a value: the same value when that is all of it, undefined when nothing is. A value that is not
 * what the contract says (an object in place of text, say) is not shown, since no rule can have meant it.
 */
export function project(visibility: Visibility, value: JsonValue, hasher?: Hasher): JsonValue | undefined {
  switch (visibility.kind) {
    case 'hidden':
      return undefined;
    case 'clear':
      return visibility.any || !isContainer(value) ? value : undefined;
    case 'masked':
      return masked(visibility.masks, visibility.text, value, hasher);
    case 'object':
      return isObject(value) ? projectFields(visibility.fields, value, hasher) : nullOnly(value);
    case 'list':
      return Array.isArray(value) ? projectItems(visibility.of, value, hasher) : nullOnly(value);
    case 'map':
      return isObject(value) ? projectEntries(visibility.of, value, hasher) : nullOnly(value);
  }
}

export function projectFields(fields: ReadonlyMap<string, Visibility>, row: JsonObject, hasher?: Hasher): JsonObject {
  let copy: JsonObject | undefined;
  // Twice as fast as Object.keys. A name that is inherited is a name of the contract or not, like any other.
  for (const name in row) {
    const value = row[name] as JsonValue;
    const visibility = fields.get(name);
    const visible = visibility && project(visibility, value, hasher);
    if (visible !== value) copy ??= fieldsBefore(row, name);
    if (copy !== undefined && visible !== undefined) copy[name] = visible;
  }
  return copy ?? row;
}

/** The fields that came before this one. They are all in the contract, so none of them is `__proto__`. */
function fieldsBefore(row: JsonObject, end: string): JsonObject {
  const copy: JsonObject = {};
  for (const name in row) {
    if (name === end) break;
    copy[name] = row[name] as JsonValue;
  }
  return copy;
}

function projectItems(of: Visibility, items: JsonValue[], hasher?: Hasher): JsonValue[] {
  let copy: JsonValue[] | undefined;
  for (let index = 0; index < items.length; index++) {
    const item = items[index] as JsonValue;
    const visible = project(of, item, hasher);
    if (visible !== item) copy ??= items.slice(0, index);
    if (copy !== undefined && visible !== undefined) copy.push(visible);
  }
  return copy ?? items;
}

function projectEntries(of: Visibility, map: JsonObject, hasher?: Hasher): JsonObject {
  const entries = Object.entries(map);
  const visible = entries.flatMap(([key, value]) => {
    const seen = project(of, value, hasher);
    return seen === undefined ? [] : [[key, seen] as const];
  });
  const same = visible.length === entries.length && visible.every(([key, seen]) => seen === map[key]);
  // Unlike assignments, this makes an own property of a key like __proto__.
  return same ? map : Object.fromEntries(visible);
}

function isContainer(value: JsonValue): boolean {
  return typeof value === 'object' && value !== null && !isRawNumber(value);
}

export function isObject(value: JsonValue): value is JsonObject {
  return isContainer(value) && !Array.isArray(value);
}

function nullOnly(value: JsonValue): null | undefined {
  return value === null ? null : undefined;
}
