import path from 'node:path';
import { untilMarkedEnds } from '../process-mark.ts';
import { localDirectory } from './directories.ts';
import { container, dockerAnswers, type ContainerName } from './docker.ts';
import { startKafka } from './kafka.ts';
import { keptPorts, postgresDirectory } from './kept-state.ts';
import type { LocalServer } from './local-server.ts';
import { startPostgres } from './postgres.ts';
import { startRedis } from './redis.ts';
import { Revival } from './revival.ts';

export type InfraVariable = 'KAFKA_BROKERS' | 'REDIS_URL' | 'DATABASE_URL';
export type InfraOrigin = 'yours' | 'Docker' | 'local';

export interface Infra {
  env: Record<InfraVariable, string>;
  origin: Record<InfraVariable, InfraOrigin>;
  /** Rejects when a server ended by itself and could not be started again. */
  failed: Promise<never>;
  stop(): Promise<void>;
}

export interface InfraOptions {
  /** Told what a developer would want to know. */
  say?: (line: string) => void;
  environment?: NodeJS.ProcessEnv;
}

interface Recipe {
  variable: InfraVariable;
  name: ContainerName;
  portCount: number;
  address: (port: number) => string;
  local: (ports: number[], files: Files) => Promise<LocalServer>;
}

interface Files {
  logFile: string;
  markFile: string;
}

const recipes: Recipe[] = [
  {
    variable: 'KAFKA_BROKERS',
    name: 'kafka',
    portCount: 2,
    address: (port) => `127.0.0.1:${port}`,
    local: async (ports, files) => {
      const { nodes } = await startKafka({ dir: path.join(localDirectory, 'kafka'), ports, ...files });
      return nodes[0] as LocalServer;
    },
  },
  {
    variable: 'REDIS_URL',
    name: 'redis',
    portCount: 1,
    address: (port) => `redis://127.0.0.1:${port}`,
    local: ([port = 0], files) => startRedis({ dir: path.join(localDirectory, 'redis'), port, ...files }),
  },
  {
    variable: 'DATABASE_URL',
    name: 'postgres',
    portCount: 1,
    address: (port) => `postgres://tidegate@127.0.0.1:${port}/tidegate`,
    local: ([port = 0], files) => startPostgres({ dir: postgresDirectory(), port, ...files }),
  },
];

/** Kafka, Redis and PostgreSQL, each: the user's own, else in Docker where an engine answers, else a local process. */
export async function resolveInfra(options: InfraOptions = {}): Promise<Infra> {
  const { say = () => undefined, environment = process.env } = options;
  const wanted = recipes.filter(({ variable }) => !environment[variable]);
  const docker = wanted.length > 0 && (await dockerAnswers());
  const revival = new Revival(say);
  const env = Object.fromEntries(
    recipes.map(({ variable }) => [variable, environment[variable] ?? '']),
  ) as Infra['env'];
  const origin: Infra['origin'] = { KAFKA_BROKERS: 'yours', REDIS_URL: 'yours', DATABASE_URL: 'yours' };
  const starts = wanted.map(async (recipe) => {
    const server = await start(recipe, docker, say);
    revival.watch(server);
    env[recipe.variable] = recipe.address(server.port);
    origin[recipe.variable] = server.name.endsWith('Docker') ? 'Docker' : 'local';
  });
  const refused = (await Promise.allSettled(starts)).find((result) => result.status === 'rejected');
  if (refused !== undefined) {
    await revival.stop();
    throw refused.reason;
  }
  return { env, origin, failed: revival.failed, stop: () => revival.stop() };
}

async function start(recipe: Recipe, docker: boolean, say: (line: string) => void): Promise<LocalServer> {
  const files = {
    logFile: path.join(localDirectory, 'logs', `${recipe.name}.log`),
    markFile: path.join(localDirectory, 'run', recipe.name),
  };
  // One that outlived a killed parent for a moment still has its port and its data.
  await untilMarkedEnds(files.markFile, 20_000);
  const ports = await keptPorts(recipe.name, recipe.portCount, say);
  if (!docker) return recipe.local(ports, files);
  try {
    const server = await container(recipe.name, ports[0] as number, files.logFile);
    await server.start();
    return server;
  } catch (error) {
    say(`${recipe.name} does not run in Docker, so it runs locally: ${String(error)}`);
    return recipe.local(ports, files);
  }
}
