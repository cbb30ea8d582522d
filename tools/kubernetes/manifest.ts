export type Value = string | number | boolean | null | Value[] | Values;
export interface Values {
  [name: string]: Value;
}

/** One object of Kubernetes. */
export interface Manifest extends Values {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> } & Values;
}

export function isValues(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textOf(value: Value | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** What stands at a path of names; of lists, what stands there in each of their items. */
export function valuesAt(value: Value | undefined, path: readonly string[]): Value[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value.flatMap((item) => valuesAt(item, path));
  const [name, ...rest] = path;
  if (name === undefined) return [value];
  return isValues(value) ? valuesAt(value[name], rest) : [];
}
