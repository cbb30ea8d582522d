import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { dataDirectory, type DataDirectory } from './directories.ts';
import {
  brokerCommand,
  formatBroker,
  kafkaDistribution,
  randomUuid,
  type KafkaDistribution,
} from './kafka-distribution.ts';
import { describeCluster } from './kafka-metadata.ts';
import { brokerProperties, propertiesFile, type BrokerPlace, type BrokerProperties } from './kafka-properties.ts';
import { LocalServer } from './local-server.ts';
import { freePorts, retryTakenPorts } from './ports.ts';

export interface KafkaStartOptions {
  /** One node, or three with replication factor 3 and two in-sync replicas. Each is broker and controller. */
  brokers?: 1 | 3;
  /** Where the data stays; without it, a temporary directory that goes with the cluster. */
  dir?: string;
  /** Broker and controller port of each node in turn; without them, free ones. */
  ports?: number[];
  /** Broker settings over those of tools/infra/kafka-properties.ts; a function where the nodes differ. */
  properties?: BrokerProperties | ((place: BrokerPlace) => BrokerProperties);
  /** Options of each node's Java over those that start it fastest. */
  javaOptions?: string[];
  logFile?: string;
  markFile?: string;
}

export interface KafkaCluster {
  /** `host:port` of each node, for a client's bootstrap list. */
  brokers: string[];
  nodes: LocalServer[];
  stop(): Promise<void>;
}

/** Starts a cluster and resolves when every node knows every other. */
export async function startKafka(options: KafkaStartOptions = {}): Promise<KafkaCluster> {
  if (options.ports !== undefined) return startCluster(options, options.ports);
  const portCount = 2 * (options.brokers ?? 1);
  return retryTakenPorts(async () => startCluster(options, await freePorts(portCount)));
}

async function startCluster(options: KafkaStartOptions, ports: number[]): Promise<KafkaCluster> {
  const kafka = await kafkaDistribution();
  const directory = dataDirectory(options.dir);
  const places = Array.from({ length: options.brokers ?? 1 }, (_, index) => ({
    id: index + 1,
    directory: path.join(directory.path, `node-${index + 1}`),
    port: ports[2 * index] as number,
    controllerPort: ports[2 * index + 1] as number,
  }));
  const clusterId = randomUuid();
  const nodes = places.map((place) => brokerOf(kafka, place, places, { clusterId, directory, ...options }));
  const stop = async () => {
    // Nobody reads the logs of a temporary cluster again, and shutting down in order would wait for a quorum.
    await Promise.all(nodes.map((node) => (directory.temporary ? node.kill() : node.stop())));
    directory.remove();
  };
  try {
    await Promise.all(nodes.map((node) => node.start()));
    await untilComplete(nodes);
  } catch (error) {
    await stop();
    throw error;
  }
  return { brokers: places.map(({ port }) => `127.0.0.1:${port}`), nodes, stop };
}

function brokerOf(
  kafka: KafkaDistribution,
  place: BrokerPlace,
  cluster: BrokerPlace[],
  options: KafkaStartOptions & { clusterId: string; directory: DataDirectory },
): LocalServer {
  mkdirSync(place.directory, { recursive: true });
  formatBroker(kafka, place, options.clusterId);
  const overrides = typeof options.properties === 'function' ? options.properties(place) : options.properties;
  const properties = brokerProperties(place, cluster, overrides);
  writeFileSync(path.join(place.directory, 'server.properties'), propertiesFile(properties));
  return new LocalServer({
    ...brokerCommand(kafka, options.javaOptions),
    name: cluster.length === 1 ? 'Kafka' : `Kafka node ${place.id}`,
    cwd: place.directory,
    port: place.port,
    logFile: options.logFile ?? path.join(place.directory, 'broker.log'),
    graceMs: 15_000,
    temporaryDirectory: options.directory.temporary ? place.directory : undefined,
    ...(options.markFile !== undefined && { markFile: options.markFile }),
    isReady: () => hasJoined(place),
    readyTimeoutMs: 60_000,
  });
}

/** Whether the node answers, has a controller and is itself in the cluster. */
export async function hasJoined({ id, port }: Pick<BrokerPlace, 'id' | 'port'>): Promise<boolean> {
  const view = await describeCluster(port);
  return view !== undefined && view.controllerId >= 0 && view.nodeIds.includes(id);
}

/** Every node answers by now; soon each has heard of all the others. */
async function untilComplete(nodes: LocalServer[]): Promise<void> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline;) {
    const views = await Promise.all(nodes.map(({ port }) => describeCluster(port)));
    if (views.every((view) => view?.nodeIds.length === nodes.length)) return;
  }
  throw new Error('the Kafka nodes did not find each other in 30 s');
}
