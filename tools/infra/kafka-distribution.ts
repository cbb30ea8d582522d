import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cached, run } from './cache.ts';
import { findJava, type Java } from './java.ts';
import { describeCluster } from './kafka-metadata.ts';
import { brokerProperties, propertiesFile, type BrokerPlace } from './kafka-properties.ts';
import { LocalServer } from './local-server.ts';
import { copyJars } from './maven.ts';
import { freePorts } from './ports.ts';

export const kafkaVersion = '4.3.1';
// The first-tier compiler and the serial collector start a broker fastest and leave the second core to others.
const javaOptions = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
const logLevel = '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn';

export interface KafkaDistribution {
  java: Java;
  classPath: string;
  /** What `kafka-storage format` writes, the same for every node. */
  bootstrapCheckpoint: string;
  /** Loaded classes, mapped into memory: a broker starts in less than half the time. */
  classArchive: string;
}

let distribution: Promise<KafkaDistribution> | undefined;

/** Java, the broker's jars and what makes it start fast; fetched and made on first use. */
export function kafkaDistribution(): Promise<KafkaDistribution> {
  distribution ??= prepare();
  return distribution;
}

async function prepare(): Promise<KafkaDistribution> {
  const [java, jars] = await Promise.all([
    findJava(),
    cached(`kafka-${kafkaVersion}`, (directory) => copyJars('pom.xml', directory)),
  ]);
  const classPath = path.join(jars, '*');
  const made = await cached(`kafka-${kafkaVersion}-java-${java.build}`, (directory) =>
    makeArchive(distributionIn(directory, java, classPath)),
  );
  return distributionIn(made, java, classPath);
}

function distributionIn(directory: string, java: Java, classPath: string): KafkaDistribution {
  return {
    java,
    classPath,
    bootstrapCheckpoint: path.join(directory, 'bootstrap.checkpoint'),
    classArchive: path.join(directory, 'classes.jsa'),
  };
}

/** Starts a broker once only to stop it: Java then writes down the classes that it loaded. */
async function makeArchive(target: KafkaDistribution): Promise<void> {
  const directory = path.join(path.dirname(target.classArchive), 'first-broker');
  const [port = 0, controllerPort = 0] = await freePorts(2);
  const place = { id: 1, directory, port, controllerPort };
  mkdirSync(directory);
  writeFileSync(path.join(directory, 'server.properties'), propertiesFile(brokerProperties(place, [place])));
  await run(
    target.java.command,
    [
      ...javaOptions,
      logLevel,
      '-cp',
      target.classPath,
      'kafka.tools.StorageTool',
      'format',
      '--cluster-id',
      randomUuid(),
      '--config',
      'server.properties',
    ],
    { cwd: directory },
  );
  copyFileSync(path.join(directory, 'data/bootstrap.checkpoint'), target.bootstrapCheckpoint);
  const broker = new LocalServer({
    ...brokerCommand(target, [`-XX:ArchiveClassesAtExit=${target.classArchive}`]),
    name: 'the first Kafka broker',
    cwd: directory,
    port,
    logFile: path.join(directory, 'broker.log'),
    graceMs: 60_000,
    isReady: async () => (await describeCluster(port)) !== undefined,
    readyTimeoutMs: 60_000,
  });
  await broker.start();
  await broker.stop();
  rmSync(directory, { recursive: true });
}

/** The command that runs the broker of its working directory. */
export function brokerCommand(kafka: KafkaDistribution, options: string[] = []): { command: string; args: string[] } {
  const archive = existsSync(kafka.classArchive) ? [`-XX:SharedArchiveFile=${kafka.classArchive}`] : [];
  return {
    command: kafka.java.command,
    args: [
      ...javaOptions,
      ...archive,
      ...options,
      logLevel,
      '-cp',
      kafka.classPath,
      'kafka.Kafka',
      'server.properties',
    ],
  };
}

/** Makes a directory ready for a broker, as `kafka-storage format` does, without a second Java. */
export function formatBroker(kafka: KafkaDistribution, place: BrokerPlace, clusterId: string): void {
  const data = path.join(place.directory, 'data');
  if (existsSync(path.join(data, 'meta.properties'))) return;
  mkdirSync(data, { recursive: true });
  copyFileSync(kafka.bootstrapCheckpoint, path.join(data, 'bootstrap.checkpoint'));
  const meta = ['version=1', `cluster.id=${clusterId}`, `node.id=${place.id}`, `directory.id=${randomUuid()}`];
  writeFileSync(path.join(data, 'meta.properties'), `${meta.join('\n')}\n`);
}

/** Kafka's form of a UUID; a leading dash would read as an option. */
export function randomUuid(): string {
  const text = randomBytes(16).toString('base64url');
  return text.startsWith('-') ? randomUuid() : text;
}
