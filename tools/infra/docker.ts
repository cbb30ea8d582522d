import { run, succeeds } from './cache.ts';
import { stateId } from './directories.ts';
import { brokerProperties } from './kafka-properties.ts';
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

interface Container {
  innerPort: (port: number) => number;
  dataDirectory: string;
  environment?: (port: number) => Record<string, string>;
  arguments?: string[];
  isReady: (port: number) => Promise<boolean>;
}

const containers: Record<ContainerName, Container> = {
  kafka: {
    innerPort: (port) => port,
    dataDirectory: '/var/lib/kafka/data',
    environment: kafkaEnvironment,
    isReady: (port) => hasJoined({ id: 1, port }),
  },
  redis: {
    innerPort: () => 6379,
    dataDirectory: '/data',
    arguments: ['valkey-server', '--save', '', '--appendonly', 'yes'],
    isReady: answersPing,
  },
  postgres: {
    innerPort: () => 5432,
    dataDirectory: '/var/lib/postgresql',
    environment: () => ({ POSTGRES_USER: 'tidegate', POSTGRES_DB: 'tidegate', POSTGRES_HOST_AUTH_METHOD: 'trust' }),
    isReady: answersQuery,
  },
};

/** Whether an engine answers soon: a stopped Docker Desktop can keep its client waiting. */
export function dockerAnswers(): Promise<boolean> {
  return succeeds('docker', ['info'], 4000);
}

/** Ready to start; data stays in a volume of this clone. */
export async function container(name: ContainerName, port: number, logFile: string): Promise<LocalServer> {
  const image = images[name];
  if (!(await succeeds('docker', ['image', 'inspect', image]))) await run('docker', ['pull', '--quiet', image]);
  // One whose client was killed runs on.
  await succeeds('docker', ['rm', '--force', volumeOf(name)]);
  return new LocalServer({
    name: `${name} in Docker`,
    command: 'docker',
    args: runArguments(name, port),
    logFile,
    port,
    isReady: () => containers[name].isReady(port),
    readyTimeoutMs: 90_000,
    graceMs: 15_000,
  });
}

/** `docker run` in the foreground: the client hands signals on, so the supervisor stops it as it stops any server. */
export function runArguments(name: ContainerName, port: number): string[] {
  const { innerPort, dataDirectory, environment, arguments: command = [] } = containers[name];
  return [
    ...['run', '--rm', '--name', volumeOf(name)],
    ...['--publish', `127.0.0.1:${port}:${innerPort(port)}`],
    ...['--volume', `${volumeOf(name)}:${dataDirectory}`],
    ...Object.entries(environment?.(port) ?? {}).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
    images[name],
    ...command,
  ];
}

/** The image's form of the settings that a local broker gets: KAFKA_ and the name with underscores. */
function kafkaEnvironment(port: number): Record<string, string> {
  const place = { id: 1, directory: '', port, controllerPort: 9093 };
  const settings = brokerProperties(place, [place], {
    listeners: `PLAINTEXT://0.0.0.0:${port},CONTROLLER://127.0.0.1:9093`,
    'log.dirs': '/var/lib/kafka/data',
  });
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [
      `KAFKA_${name.toUpperCase().replaceAll('.', '_')}`,
      String(value),
    ]),
  );
}

/** Names the container and its volume. */
export function volumeOf(name: ContainerName): string {
  return `tidegate-${stateId}-${name}`;
}
