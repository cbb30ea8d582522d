import path from 'node:path';
import { run, succeeds } from './cache.ts';

/** Copies what a `pom.xml` of this folder names, with all that it needs, into a directory. */
export async function copyJars(pom: string, directory: string): Promise<void> {
  if (!(await succeeds('mvn', ['--version']))) {
    throw new Error(
      `Kafka comes through Maven, and \`mvn\` does not run here. Install Maven (apt install maven, brew install maven), start Docker, or set KAFKA_BROKERS to a Kafka of your own.`,
    );
  }
  const file = path.join(import.meta.dirname, pom);
  const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${directory}`, '-DincludeScope=runtime'];
  await run('mvn', ['--quiet', '--batch-mode', '--file', file, ...goal]);
}
