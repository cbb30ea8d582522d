import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { isValues, textOf, valuesAt, type Manifest, type Value, type Values } from './manifest.ts';
import { merged } from './merge.ts';

/** The part of Kustomize that k8s/ uses; whatever else somebody writes is refused. */
const kustomizationSchema = z.strictObject({
  apiVersion: z.literal('kustomize.config.k8s.io/v1beta1'),
  kind: z.literal('Kustomization'),
  namespace: z.string().optional(),
  nameSuffix: z.string().optional(),
  resources: z.array(z.string()).default([]),
  labels: z
    .array(z.strictObject({ pairs: z.record(z.string(), z.string()), includeSelectors: z.literal(true) }))
    .default([]),
  images: z.array(z.strictObject({ name: z.string(), newName: z.string(), newTag: z.string() })).default([]),
  configMapGenerator: z
    .array(
      z.strictObject({
        name: z.string(),
        behavior: z.enum(['create', 'merge']).default('create'),
        files: z.array(z.string()).default([]),
        literals: z.array(z.string()).default([]),
        options: z.strictObject({ disableNameSuffixHash: z.literal(true) }).optional(),
      }),
    )
    .default([]),
  patches: z.array(z.strictObject({ path: z.string() })).default([]),
});
type Kustomization = z.output<typeof kustomizationSchema>;

interface Item {
  manifest: Manifest;
  /** Every name it has had: others may refer to it by any of them. */
  names: string[];
  /** Its final name ends in a hash of its contents, so that a change rolls pods out. */
  hashed: boolean;
}

/**
 * What `kubectl kustomize <directory>` prints, for machines without kubectl.
 * @throws Error for a kustomization that uses what is not known here
 */
export function render(directory: string): Manifest[] {
  const items = accumulate(directory);
  for (const item of items) if (item.hashed) rename(item, `${item.manifest.metadata.name}-${hashOf(item.manifest)}`);
  for (const { manifest } of items) pointToFinalNames(manifest, items);
  return items.map(({ manifest }) => manifest);
}

function accumulate(directory: string): Item[] {
  const read = (file: string): string => readFileSync(path.join(directory, file), 'utf8');
  const kustomization = kustomizationSchema.parse(parse(read('kustomization.yaml')));
  let items = kustomization.resources.flatMap((name) => {
    if (statSync(path.join(directory, name)).isDirectory()) return accumulate(path.join(directory, name));
    return documentsOf(read(name)).map((manifest): Item => {
      return { manifest, names: [manifest.metadata.name], hashed: false };
    });
  });
  for (const generator of kustomization.configMapGenerator) generate(items, generator, read);
  for (const { path: file } of kustomization.patches) {
    for (const patch of documentsOf(read(file))) items = patched(items, patch, file);
  }
  for (const item of items) transform(item, kustomization);
  return items;
}

function documentsOf(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest);
}

function generate(
  items: Item[],
  { name, behavior, files, literals, options }: Kustomization['configMapGenerator'][number],
  read: (file: string) => string,
): void {
  const fromFiles = files.map((file): [string, string] => [path.basename(file), read(file)]);
  const fromLiterals = literals.map((literal): [string, string] => {
    const [key = ''] = literal.split('=', 1);
    return [key, literal.slice(key.length + 1)];
  });
  const data = Object.fromEntries([...fromFiles, ...fromLiterals]);
  if (behavior === 'merge') {
    const { manifest } = find(items, { kind: 'ConfigMap', name }, `configMapGenerator ${name}`);
    manifest['data'] = { ...(manifest['data'] as Values), ...data };
  } else {
    items.push({
      manifest: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data },
      names: [name],
      hashed: options === undefined,
    });
  }
}

function patched(items: Item[], patch: Manifest, file: string): Item[] {
  const target = find(items, { kind: patch.kind, name: patch.metadata.name }, file);
  if (patch['$patch'] === 'delete') return items.filter((item) => item !== target);
  const { name } = target.manifest.metadata;
  target.manifest = merged(target.manifest, patch) as Manifest;
  target.manifest.metadata.name = name;
  return items;
}

function find(items: readonly Item[], { kind, name }: { kind: string; name: string }, from: string): Item {
  const found = items.find(({ manifest, names }) => manifest.kind === kind && names.includes(name));
  if (found === undefined) throw new Error(`${from}: there is no ${kind} ${name}`);
  return found;
}

function transform(item: Item, { namespace, nameSuffix, labels, images }: Kustomization): void {
  const { manifest } = item;
  manifest.metadata = { ...manifest.metadata, ...(namespace !== undefined && { namespace }) };
  if (nameSuffix !== undefined) rename(item, manifest.metadata.name + nameSuffix);
  for (const { pairs } of labels) addLabels(manifest, pairs);
  for (const container of valuesAt(manifest, [...podSpec, 'containers']).filter(isValues)) {
    const image = images.find(({ name }) => name === textOf(container['image']).split(':')[0]);
    if (image !== undefined) container['image'] = `${image.newName}:${image.newTag}`;
  }
}

function rename(item: Item, name: string): void {
  item.manifest.metadata = { ...item.manifest.metadata, name };
  item.names.push(name);
}

const podSpec = ['spec', 'template', 'spec'];
/** Where Kustomize puts labels, by kind; where `create` is, also if there was nothing. */
const labelPlaces: Record<string, { path: string[]; create?: true }[]> = {
  Service: [{ path: ['spec', 'selector'], create: true }],
  Deployment: [
    { path: ['spec', 'selector', 'matchLabels'], create: true },
    { path: ['spec', 'template', 'metadata', 'labels'], create: true },
    { path: [...podSpec, 'topologySpreadConstraints', 'labelSelector', 'matchLabels'] },
  ],
  PodDisruptionBudget: [{ path: ['spec', 'selector', 'matchLabels'] }],
  NetworkPolicy: [
    { path: ['spec', 'podSelector', 'matchLabels'] },
    { path: ['spec', 'ingress', 'from', 'podSelector', 'matchLabels'] },
    { path: ['spec', 'egress', 'to', 'podSelector', 'matchLabels'] },
  ],
};

function addLabels(manifest: Manifest, pairs: Record<string, string>): void {
  manifest.metadata = { ...manifest.metadata, labels: { ...manifest.metadata.labels, ...pairs } };
  for (const { path: place, create } of labelPlaces[manifest.kind] ?? []) {
    if (create === true) makePlace(manifest, place);
    for (const labels of valuesAt(manifest, place)) Object.assign(labels as Values, pairs);
  }
}

function makePlace(values: Values, [name, ...rest]: readonly string[]): void {
  if (name === undefined) return;
  const inside = isValues(values[name] ?? null) ? (values[name] as Values) : (values[name] = {});
  makePlace(inside, rest);
}

/** Where objects name others. */
const references: { kind: string; path: string[]; field: string }[] = [
  { kind: 'ServiceAccount', path: podSpec, field: 'serviceAccountName' },
  { kind: 'ConfigMap', path: [...podSpec, 'volumes', 'configMap'], field: 'name' },
  { kind: 'ConfigMap', path: [...podSpec, 'containers', 'envFrom', 'configMapRef'], field: 'name' },
  { kind: 'Deployment', path: ['spec', 'scaleTargetRef'], field: 'name' },
];

function pointToFinalNames(manifest: Manifest, items: readonly Item[]): void {
  for (const { kind, path: place, field } of references) {
    for (const holder of valuesAt(manifest, place).filter(isValues)) {
      const named = items.find((item) => item.manifest.kind === kind && item.names.includes(textOf(holder[field])));
      if (named !== undefined) holder[field] = named.manifest.metadata.name;
    }
  }
}

/** As Kustomize does it: SHA-256 of the contents without their name, ten characters, those that make words replaced. */
function hashOf({ kind, data }: Manifest): string {
  const sorted = Object.fromEntries(Object.entries(data as Values).sort(([a], [b]) => (a < b ? -1 : 1)));
  const text = goJson({ data: sorted, kind, name: '' });
  const digits: Record<string, string> = { '0': 'g', '1': 'h', '3': 'k', a: 'm', e: 't' };
  const hex = createHash('sha256').update(text).digest('hex').slice(0, 10);
  return hex.replace(/[013ae]/g, (digit) => digits[digit] ?? digit);
}

/** JSON as Go writes it: these characters escaped. */
function goJson(value: Value): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
