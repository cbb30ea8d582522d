// npm run infra: Kafka, Redis and PostgreSQL alone, with the state of npm start, until Ctrl-C. Prints lines for a shell.
import { resolveInfra } from './infra/index.ts';
import { claimState, onEnd } from './start/lifetime.ts';
import { endServers } from './supervisor.ts';

async function end(code: number): Promise<void> {
  await endServers('stop');
  process.exit(code);
}

async function fail(error: unknown): Promise<void> {
  console.error(error instanceof Error ? error.message : String(error));
  await end(1);
}

async function serve(): Promise<void> {
  claimState();
  const infra = await resolveInfra({ say: (line) => console.error(line) });
  for (const [variable, value] of Object.entries(infra.env)) console.log(`export ${variable}=${value}`);
  await infra.failed;
}

// Nothing else may hold the process: its servers do not.
setInterval(() => undefined, 60_000);
onEnd(() => void end(0));
serve().catch(fail);
