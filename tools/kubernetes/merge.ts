import { isValues, type Value, type Values } from './manifest.ts';

/** Lists whose items have an identity, with the field that is it. All others are replaced as a whole. */
const identities: Record<string, string[]> = {
  containers: ['name'],
  env: ['name'],
  volumes: ['name'],
  volumeMounts: ['mountPath'],
  ports: ['containerPort', 'port'],
  topologySpreadConstraints: ['topologyKey'],
};

/** A strategic merge patch, as far as k8s/ uses it. */
export function merged(base: Values, patch: Values): Values {
  const result = { ...base };
  for (const [name, value] of Object.entries(patch)) {
    const before = result[name];
    if (value === null) delete result[name];
    else if (isValues(value) && isValues(before)) result[name] = merged(before, value);
    else if (Array.isArray(value) && Array.isArray(before)) result[name] = mergedLists(name, before, value);
    else result[name] = value;
  }
  return result;
}

function mergedLists(name: string, base: Value[], patch: Value[]): Value[] {
  const [first, ...others] = patch;
  if (isValues(first ?? null) && (first as Values)['$patch'] === 'replace') return others;
  const identity = identities[name]?.find((field) => patch.every((item) => isValues(item) && field in item));
  if (identity === undefined) return patch;
  const added = patch.map((item) => {
    const same = base.find((one) => isValues(one) && one[identity] === (item as Values)[identity]);
    return isValues(same ?? null) ? merged(same as Values, item as Values) : item;
  });
  const replaced = new Set(added.map((item) => (item as Values)[identity]));
  return [...added, ...base.filter((item) => !replaced.has((item as Values)[identity] ?? null))];
}
