import path from 'node:path';
import { cached } from './cache.ts';
import { kafkaDistribution, kafkaVersion } from './kafka-distribution.ts';
import { copyJars } from './maven.ts';

export interface KafkaTool {
  /** Its class, in `org.apache.kafka.tools` unless a package is named. */
  name: string;
  args: string[];
  javaOptions?: string[];
}

let jars: Promise<string> | undefined;

/** The command that runs one of Kafka's own command line tools, which the first use fetches. */
export async function kafkaTool({ name, args, javaOptions = [] }: KafkaTool): Promise<[string, ...string[]]> {
  jars ??= cached(`kafka-tools-${kafkaVersion}`, (directory) => copyJars('kafka-tools.pom.xml', directory));
  const [{ java, classPath }, tools] = await Promise.all([kafkaDistribution(), jars]);
  const classes = [classPath, path.join(tools, '*')].join(path.delimiter);
  const logLevel = '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn';
  const className = name.includes('.') ? name : `org.apache.kafka.tools.${name}`;
  return [java.command, ...javaOptions, logLevel, '-cp', classes, className, ...args];
}
