import { run, succeeds } from './cache.ts';
import { stateId } from './directories.ts';
import { brokerProperties, type BrokerProperties } from './kafka-properties.ts';
import { hasJoined } from './kafka.ts';
import { LocalServer } from './local-server.ts';
import { answersQuery } from './postgres.ts';
import { answersPing } from './redis.ts';

// The same as in docker-compose.yml; tools/compose.spec.ts compares them.
export const images = {
  kafka: 'apache/kafka:4.3.1',
  redis: 'valkey/valkey:9.1.2',
  postgres: 'postgres:18.4',
} as const;

export type ContainerName = keyof typeof images;

interface ContainerOptions {
  logFile: string;
  port: number;
  innerPort: number;
  dataDirectory: string;
  environment?: Record<string, string>;
  arguments?: string[];
  isReady: () => Promise<boolean>;
}

/** Whether an engine answers soon: a stopped Docker Desktop can keep its client waiting. */
export function dockerAnswers(): Promise<boolean> {
  return succeeds('docker', ['info'], 4000);
}

/** Ready to start; data stays in a volume of this clone. */
export async function container(name: ContainerName, port: number, logFile: string): Promise<LocalServer> {
  const image = images[name];
  if (!(await succeeds('docker', ['image', 'inspect', image]))) await run('docker', ['pull', '--quiet', image]);
  await succeeds('docker', ['rm', '--force', volumeOf(name)]);
  return foreground(name, containers[name](port, logFile));
}

const containers: Record<ContainerName, (port: number, logFile: string) => ContainerOptions> = {
  kafka: (port, logFile) => ({
    logFile,
    port,
    innerPort: port,
    dataDirectory: '/var/lib/kafka/data',
    environment: kafkaEnvironment(port),
    isReady: () => hasJoined({ id: 1, port }),
  }),
  redis: (port, logFile) => ({
    logFile,
    port,
    innerPort: 6379,
    dataDirectory: '/data',
    arguments: ['valkey-server', '--save', '', '--appendonly', 'yes'],
    isReady: () => answersPing(port),
  }),
  postgres: (port, logFile) => ({
    logFile,
    port,
    innerPort: 5432,
    dataDirectory: '/var/lib/postgresql',
    environment: { POSTGRES_USER: 'tidegate', POSTGRES_DB: 'tidegate', POSTGRES_HOST_AUTH_METHOD: 'trust' },
    isReady: () => answersQuery(port),
  }),
};

/** The image's form of the settings that a local broker gets: KAFKA_ and the name with underscores. */
function kafkaEnvironment(port: number): Record<string, string> {
  const settings: BrokerProperties = brokerProperties(
    { id: 1, directory: '', port, controllerPort: 9093 },
    [{ id: 1, directory: '', port, controllerPort: 9093 }],
    {
      listeners: `PLAINTEXT://0.0.0.0:${port},CONTROLLER://127.0.0.1:9093`,
      'log.dirs': '/var/lib/kafka/data',
    },
  );
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [
      `KAFKA_${name.toUpperCase().replaceAll('.', '_')}`,
      String(value),
    ]),
  );
}

/** `docker run` in the foreground: the client hands signals on, so the supervisor stops it as it stops any server. */
function foreground(name: ContainerName, options: ContainerOptions): LocalServer {
  const environment = Object.entries(options.environment ?? {}).flatMap(([key, value]) => ['--env', `${key}=${value}`]);
  return new LocalServer({
    name: `${name} in Docker`,
    command: 'docker',
    args: [
      'run',
      '--rm',
      '--name',
      volumeOf(name),
      '--publish',
      `127.0.0.1:${options.port}:${options.innerPort}`,
      '--volume',
      `${volumeOf(name)}:${options.dataDirectory}`,
      ...environment,
      images[name],
      ...(options.arguments ?? []),
    ],
    logFile: options.logFile,
    port: options.port,
    isReady: options.isReady,
    readyTimeoutMs: 90_000,
    graceMs: 15_000,
  });
}

/** Names the container and its volume. */
export function volumeOf(name: ContainerName): string {
  return `tidegate-${stateId}-${name}`;
}
