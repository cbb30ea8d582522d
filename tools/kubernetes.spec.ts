import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { render } from './kubernetes/kustomize.ts';
import { isValues, valuesAt, type Manifest, type Value, type Values } from './kubernetes/manifest.ts';
import { brokenRules } from './kubernetes/rules.ts';
import { fieldProblems, schemaProblems } from './kubernetes/types.ts';
import { apps as startedApps } from './start/apps.ts';

const root = path.resolve(import.meta.dirname, '..');
const kubernetes = path.join(root, 'k8s/apps');
const apps = readdirSync(kubernetes).sort();
const targets = apps.flatMap((app) => {
  const overlays = path.join(kubernetes, app, 'overlays');
  const names = existsSync(overlays) ? readdirSync(overlays).map((name) => `overlays/${name}`) : [];
  return ['base', ...names].map((target) => ({ app, target, directory: path.join(kubernetes, app, target) }));
});
const cases = targets.map(({ app, target, directory }) => [`${app}/${target}`, app, directory] as const);
const production = (): Manifest[] => render(path.join(kubernetes, 'web/overlays/production'));

const kubectl = spawnSync('kubectl', ['kustomize', path.join(root, 'k8s/base')]).status === 0;

/** The same for the same contents: neither the order of fields nor that of these lists means anything. */
function sorted(value: Value): Value {
  if (Array.isArray(value)) return value.map(sorted).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  if (!isValues(value)) return value;
  const names = Object.keys(value).sort();
  return Object.fromEntries(names.map((name) => [name, sorted(value[name] ?? null)]));
}

const byName = (manifests: readonly Manifest[]): Values =>
  Object.fromEntries(manifests.map((manifest) => [`${manifest.kind} ${manifest.metadata.name}`, sorted(manifest)]));

describe('render()', () => {
  (kubectl ? it.each(cases) : it.skip.each(cases))(
    'gives for %s what kubectl kustomize gives',
    (_title, _app, directory) => {
      const { stdout } = spawnSync('kubectl', ['kustomize', directory], { encoding: 'utf8' });
      const expected = parseAllDocuments(stdout).map((document) => document.toJS() as Manifest);
      expect(byName(render(directory))).toEqual(byName(expected));
    },
  );

  it('refuses what it does not know', () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'tidegate-kustomize-'));
    const write = (text: string): void => writeFileSync(path.join(directory, 'kustomization.yaml'), text);
    const head = 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n';
    write(`${head}components: [../x]\n`);
    expect(() => render(directory)).toThrow('components');
    write(`${head}patches: [{ patch: x, target: { kind: Deployment } }]\n`);
    expect(() => render(directory)).toThrow('patch');
    writeFileSync(path.join(directory, 'patch.yaml'), 'kind: Deployment\nmetadata: { name: nobody }\n');
    write(`${head}patches: [{ path: patch.yaml }]\n`);
    expect(() => render(directory)).toThrow('there is no Deployment nobody');
    rmSync(directory, { recursive: true });
  });
});

describe('k8s/', () => {
  it('has every app, each with a production overlay except for the demo', () => {
    expect(apps).toEqual(['demo', 'iot', 'mobile', 'partner', 'web']);
    const overlaid = targets.filter(({ target }) => target === 'overlays/production').map(({ app }) => app);
    expect(overlaid).toEqual(['iot', 'mobile', 'partner', 'web']);
  });

  it('keeps the schemas of Kubernetes, and has no field that they do not have', () => {
    const all = targets.flatMap(({ directory }) => render(directory));
    expect(schemaProblems(all)).toEqual([]);
    expect(fieldProblems(all)).toEqual([]);
  }, 60_000);

  it('is checked by something that finds a wrong type and a wrong field', () => {
    const wrong = production().map((manifest) => structuredClone(manifest));
    const deployment = wrong.find(({ kind }) => kind === 'Deployment') as Manifest;
    (deployment['spec'] as Values)['replicas'] = 'two';
    expect(schemaProblems(wrong)).toEqual([expect.stringContaining('replicas')]);
    (deployment['spec'] as Values)['replicas'] = 2;
    const [pod] = valuesAt(deployment, ['spec', 'template', 'spec']) as [Values];
    pod['terminationGracePeriodSecond'] = 60;
    expect(fieldProblems(wrong)).toEqual([expect.stringContaining('terminationGracePeriodSecond')]);
  }, 60_000);

  it.each(cases)('keeps our own rules in %s', (_title, _app, directory) => {
    expect(brokenRules(render(directory))).toEqual([]);
  });

  it.each(cases)('puts nothing of another app into %s', (_title, app, directory) => {
    for (const { metadata } of render(directory)) {
      expect(metadata.labels?.['app.kubernetes.io/name']).toBe(app);
      expect(metadata.name).toMatch(new RegExp(`-${app}(-[a-z0-9]{10})?$`));
    }
  });

  it.each(cases)('lets pods of %s speak to nobody in the demo’s place in production', (title, _app, directory) => {
    const egress = render(directory).flatMap((manifest) => valuesAt(manifest, ['spec', 'egress', 'to']));
    const toDemo = JSON.stringify(egress).includes('"demo"');
    if (title.endsWith('production')) expect(toDemo).toBe(false);
  });

  it.each(cases)('tells %s how many replicas the autoscaler keeps at least', (_title, _app, directory) => {
    const manifests = render(directory);
    const data = (kind: string) =>
      manifests.filter((one) => one.kind === kind).flatMap((one) => valuesAt(one, ['data']));
    const told = data('ConfigMap').flatMap((one) => valuesAt(one, ['REPLICAS']));
    const kept = manifests.flatMap((one) => valuesAt(one, ['spec', 'minReplicas']));
    if (told.length > 0) expect(told).toEqual(kept.map(String));
  });

  it.each(cases)('gives %s the doors and variables that it knows, and each that it needs', (_title, app, directory) => {
    const manifests = render(directory);
    const given = variablesOf(manifests);
    const { known, needed } = declaredVariables(app);
    expect(given.filter((name) => !known.has(name))).toEqual([]);
    expect([...needed].filter((name) => !given.includes(name))).toEqual([]);
    const ports = manifests.flatMap((one) => valuesAt(one, ['spec', 'template', 'spec', 'containers', 'ports']));
    const doors = startedApps.find(({ name }) => name === app);
    for (const { port } of [...(doors?.doors ?? []), ...(doors === undefined ? [] : [doors.ops])]) {
      if (app === 'iot' && port === plainPort) continue;
      expect(ports).toContainEqual(expect.objectContaining({ containerPort: port }));
    }
  });
});

/** The plain listener of the device door binds loopback only. */
const plainPort = 9400;
/** Of the process, and of what every Deployment says for each app alike. */
const common = ['NODE_OPTIONS', 'HOST', 'NODE_ZONE', 'CATALOG_DIR'];

function variablesOf(manifests: readonly Manifest[]): string[] {
  const config = manifests.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.startsWith('config-'));
  const own = manifests.flatMap((one) => valuesAt(one, ['spec', 'template', 'spec', 'containers', 'env', 'name']));
  return [...Object.keys((config?.['data'] ?? {}) as Values), ...own.map(String)];
}

/** What apps add to their own variables. */
const addedVariables = {
  kafkaEnvironmentSchema: 'libs/kafka/src/environment.ts',
  schemaRegistryEnvironmentSchema: 'libs/streams/src/environment.ts',
  edgeEnvironmentSchema: 'libs/http/src/environment.ts',
};

/** As the app's config.ts declares them: those without a default or `optional` are needed. */
function declaredVariables(app: string): { known: Set<string>; needed: Set<string> } {
  const own = readFileSync(path.join(root, 'apps', app, 'src/config.ts'), 'utf8');
  const added = Object.entries(addedVariables).filter(([schema]) => own.includes(schema));
  const text = own + added.map(([, file]) => readFileSync(path.join(root, file), 'utf8')).join('');
  const declared = [...text.matchAll(/^\s+(?<name>[A-Z][A-Z0-9_]+): (?<schema>.+),$/gm)];
  const names = declared.map(({ groups }) => groups?.['name'] ?? '');
  const needed = declared.filter(
    ({ groups }) => !/\.default\(|\.optional\(|options?Schema/i.test(groups?.['schema'] ?? ''),
  );
  return {
    known: new Set([...names, ...common]),
    needed: new Set(needed.map(({ groups }) => groups?.['name'] ?? '')),
  };
}

describe('brokenRules()', () => {
  const pod = ['spec', 'template', 'spec'];
  const container = [...pod, 'containers'];
  const of = (manifests: Manifest[], kind: string): Manifest => manifests.find((one) => one.kind === kind) as Manifest;
  const without = (kind: string) => (manifests: Manifest[]) => manifests.filter((one) => one.kind !== kind);
  const set =
    (kind: string, place: readonly string[], field: string, value: Value) =>
    (manifests: Manifest[]): Manifest[] => {
      for (const holder of valuesAt(of(manifests, kind), place)) (holder as Values)[field] = value;
      return manifests;
    };

  it.each<[change: string, apply: (manifests: Manifest[]) => Manifest[], problem: string]>([
    ['latest', set('Deployment', container, 'image', 'web:latest'), 'the image web:latest has no version'],
    ['no tag', set('Deployment', container, 'image', 'web'), 'the image web has no version'],
    ['root', set('Deployment', [...pod, 'securityContext'], 'runAsNonRoot', false), 'the pod may run as root'],
    [
      'a writable image',
      set('Deployment', [...container, 'securityContext'], 'readOnlyRootFilesystem', false),
      'the container may write to its image',
    ],
    ['no limit', set('Deployment', [...container, 'resources'], 'limits', {}), 'memory has no limit'],
    [
      'half a core',
      set('Deployment', [...container, 'resources', 'limits'], 'cpu', '500m'),
      'the limit of CPU would throttle the event loop',
    ],
    [
      'a short end',
      set('Deployment', pod, 'terminationGracePeriodSeconds', 30),
      'the pod has less than 60 s to end in order',
    ],
    [
      'liveness by Kafka',
      set('Deployment', [...container, 'livenessProbe', 'httpGet'], 'path', '/readyz'),
      'liveness asks for more than life',
    ],
    [
      'a probe on the public port',
      set('Deployment', [...container, 'readinessProbe', 'httpGet'], 'port', 'http'),
      'a probe is missing, or does not ask the ops port',
    ],
    ['no budget', without('PodDisruptionBudget'), 'no disruption budget is theirs'],
    [
      'a budget for others',
      set('PodDisruptionBudget', ['spec', 'selector'], 'matchLabels', { a: 'b' }),
      'no disruption budget is theirs',
    ],
    ['no policy', without('NetworkPolicy'), 'pods are not closed in both directions'],
    [
      'a way out to everybody',
      set('NetworkPolicy', ['spec'], 'egress', [{}]),
      'a network policy lets everything out, or all ports in',
    ],
    [
      'a policy for all pods',
      set('NetworkPolicy', ['spec', 'podSelector'], 'matchLabels', {}),
      'a network policy is for other pods',
    ],
    [
      'a lonely pod',
      set('HorizontalPodAutoscaler', ['spec'], 'minReplicas', 1),
      'the autoscaler may leave a single pod',
    ],
    ['a ConfigMap that is not there', without('ConfigMap'), 'there is no ConfigMap'],
    ['a secret', (all) => [...all, { ...of(all, 'ConfigMap'), kind: 'Secret' }], 'a secret stands in the repository'],
  ])('finds %s', (_change, apply, problem) => {
    const broken = apply(production().map((manifest) => structuredClone(manifest)));
    expect(brokenRules(broken).join('\n')).toContain(problem);
  });
});
