import { isValues, textOf, valuesAt, type Manifest, type Value, type Values } from './manifest.ts';

const podSpec = ['spec', 'template', 'spec'];

/** What every app of ours has to keep, in one sentence each where it does not. */
export function brokenRules(manifests: readonly Manifest[]): string[] {
  const deployments = manifests.filter(({ kind }) => kind === 'Deployment');
  if (deployments.length !== 1) return [`there are ${deployments.length} Deployments instead of one`];
  const [deployment] = deployments as [Manifest];
  return [
    ...podProblems(deployment),
    ...containersOf(deployment).flatMap(containerProblems),
    ...rolloutProblems(deployment),
    ...companionProblems(deployment, manifests),
    ...referenceProblems(deployment, manifests),
    ...manifests.flatMap(labelProblems),
  ];
}

function podProblems(deployment: Manifest): string[] {
  const [pod] = valuesAt(deployment, podSpec) as [Values];
  const is = (path: string, expected: Value): boolean => at(pod, path) === expected;
  return problems([
    [is('securityContext.runAsNonRoot', true), 'the pod may run as root'],
    [is('securityContext.seccompProfile.type', 'RuntimeDefault'), 'the pod has no seccomp profile'],
    [is('automountServiceAccountToken', false), 'the pod gets a token for the cluster'],
    [is('enableServiceLinks', false), 'services become variables, which may be taken for ours'],
    [at(pod, 'serviceAccountName') !== undefined, 'the pod runs under the default account'],
    [Number(at(pod, 'terminationGracePeriodSeconds')) >= 60, 'the pod has less than 60 s to end in order'],
    [
      valuesAt(pod, ['topologySpreadConstraints', 'topologyKey']).includes('topology.kubernetes.io/zone'),
      'pods may all be in one zone',
    ],
    [!valuesAt(pod, ['volumes', 'hostPath']).length && !is('hostNetwork', true), 'the pod reaches its host'],
  ]);
}

function containerProblems(container: Values): string[] {
  const is = (path: string, expected: Value): boolean => at(container, path) === expected;
  const { image, ports } = container;
  const opsOnly = ['startupProbe', 'livenessProbe', 'readinessProbe'].every((probe) =>
    is(`${probe}.httpGet.port`, 'ops'),
  );
  const cpuLimit = at(container, 'resources.limits.cpu');
  return problems([
    [/^[a-z0-9./-]+:\d+\.\d+\.\d+$/.test(textOf(image)), `the image ${textOf(image)} has no version`],
    [is('securityContext.allowPrivilegeEscalation', false), 'the container may gain privileges'],
    [is('securityContext.readOnlyRootFilesystem', true), 'the container may write to its image'],
    [
      valuesAt(container, ['securityContext', 'capabilities', 'drop']).flat().includes('ALL'),
      'the container keeps capabilities',
    ],
    [!is('securityContext.privileged', true), 'the container is privileged'],
    [at(container, 'resources.requests.cpu') !== undefined, 'no CPU is requested'],
    [at(container, 'resources.requests.memory') !== undefined, 'no memory is requested'],
    [at(container, 'resources.limits.memory') !== undefined, 'memory has no limit'],
    // Half a core stops an event loop for 50 ms out of 100.
    [cpuLimit === undefined || Number(cpuLimit) >= 1, 'the limit of CPU would throttle the event loop'],
    [opsOnly, 'a probe is missing, or does not ask the ops port'],
    [is('livenessProbe.httpGet.path', '/livez'), 'liveness asks for more than life'],
    [is('readinessProbe.httpGet.path', '/readyz'), 'readiness is not asked for'],
    [valuesAt(ports, ['name']).includes('ops'), 'no port is called ops'],
    [Number(at(container, 'lifecycle.preStop.sleep.seconds')) >= 5, 'the container ends before balancers look away'],
  ]);
}

function rolloutProblems(deployment: Manifest): string[] {
  return problems([
    [at(deployment, 'spec.strategy.rollingUpdate.maxUnavailable') === 0, 'a rollout takes pods away first'],
    [at(deployment, 'spec.strategy.rollingUpdate.maxSurge') === 1, 'a rollout does not go pod by pod'],
  ]);
}

function companionProblems(deployment: Manifest, manifests: readonly Manifest[]): string[] {
  const podLabels = at(deployment, 'spec.template.metadata.labels');
  const selecting = (kind: string, path: string): Manifest[] =>
    manifests.filter((manifest) => manifest.kind === kind && selects(at(manifest, path), podLabels));
  const policies = selecting('NetworkPolicy', 'spec.podSelector.matchLabels');
  const types = policies.flatMap((policy) => valuesAt(policy, ['spec', 'policyTypes']));
  const all = (kind: string): number => manifests.filter((manifest) => manifest.kind === kind).length;
  const scaler = manifests.find(({ kind }) => kind === 'HorizontalPodAutoscaler');
  const replicas = at(deployment, 'spec.replicas');
  return problems([
    [selecting('Service', 'spec.selector').length === 1, 'no Service leads to the pods'],
    [selecting('PodDisruptionBudget', 'spec.selector.matchLabels').length === 1, 'no disruption budget is theirs'],
    [selects(at(deployment, 'spec.selector.matchLabels'), podLabels), 'the Deployment selects other pods'],
    [['Ingress', 'Egress'].every((type) => types.includes(type)), 'pods are not closed in both directions'],
    [policies.length === all('NetworkPolicy'), 'a network policy is for other pods'],
    [!policies.some(isOpenToAll), 'a network policy lets everything out, or all ports in'],
    [scaler === undefined || replicas === undefined, 'Deployment and autoscaler both say how many pods'],
    [scaler === undefined || Number(at(scaler, 'spec.minReplicas')) >= 2, 'the autoscaler may leave a single pod'],
    [
      scaler === undefined || at(scaler, 'spec.scaleTargetRef.name') === deployment.metadata.name,
      'the autoscaler scales another',
    ],
    [
      scaler === undefined || Number(at(scaler, 'spec.behavior.scaleDown.stabilizationWindowSeconds')) >= 300,
      'scaling down is hasty',
    ],
  ]);
}

/** A rule without a peer is for everybody: for ports that are meant to be public, and never outwards. */
function isOpenToAll(policy: Manifest): boolean {
  const rules = (direction: string): Values[] => [at(policy, `spec.${direction}`) ?? []].flat().filter(isValues);
  const open = rules('egress').some(({ to, ports }) => to === undefined || ports === undefined);
  return open || rules('ingress').some(({ ports }) => ports === undefined);
}

/** Whatever the pod is given by name is part of the same deployment, except for secrets. */
function referenceProblems(deployment: Manifest, manifests: readonly Manifest[]): string[] {
  const names = new Map<string, Set<string>>();
  for (const { kind, metadata } of manifests) names.set(kind, (names.get(kind) ?? new Set()).add(metadata.name));
  const configMaps = [
    ...valuesAt(deployment, [...podSpec, 'volumes', 'configMap', 'name']),
    ...valuesAt(deployment, [...podSpec, 'containers', 'envFrom', 'configMapRef', 'name']),
  ];
  const accounts = valuesAt(deployment, [...podSpec, 'serviceAccountName']);
  const volumes = valuesAt(deployment, [...podSpec, 'volumes', 'name']);
  const mounts = valuesAt(deployment, [...podSpec, 'containers', 'volumeMounts', 'name']);
  return problems([
    ...configMaps.map((name): Rule => [
      names.get('ConfigMap')?.has(textOf(name)) === true,
      `there is no ConfigMap ${textOf(name)}`,
    ]),
    ...accounts.map((name): Rule => [
      names.get('ServiceAccount')?.has(textOf(name)) === true,
      `there is no account ${textOf(name)}`,
    ]),
    ...mounts.map((name): Rule => [volumes.includes(name), `there is no volume ${textOf(name)}`]),
    [manifests.every(({ kind }) => kind !== 'Secret'), 'a secret stands in the repository'],
  ]);
}

function labelProblems({ kind, metadata }: Manifest): string[] {
  const named = metadata.labels?.['app.kubernetes.io/name'] !== undefined;
  return problems([[named, `${kind} ${metadata.name} does not say which app it is of`]]);
}

type Rule = readonly [holds: boolean, problem: string];

function problems(rules: readonly Rule[]): string[] {
  return rules.filter(([holds]) => !holds).map(([, problem]) => problem);
}

function containersOf(deployment: Manifest): Values[] {
  return valuesAt(deployment, [...podSpec, 'containers']).filter(isValues);
}

function at(value: Value | undefined, path: string): Value | undefined {
  return path.split('.').reduce<Value | undefined>((found, name) => (isValues(found) ? found[name] : undefined), value);
}

function selects(selector: Value | undefined, labels: Value | undefined): boolean {
  if (!isValues(selector) || !isValues(labels) || Object.keys(selector).length === 0) return false;
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}
