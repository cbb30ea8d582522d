// npm start: builds the apps while Kafka, Redis and PostgreSQL start, runs everything until Ctrl-C, leaves no process.
import { resolveInfra, type Infra } from './infra/index.ts';
import { apps } from './start/apps.ts';
import { buildApps } from './start/build.ts';
import { doorTable, linesToCopy } from './start/doors.ts';
import { appEnvironment } from './start/environment.ts';
import { claimState, onEnd } from './start/lifetime.ts';
import { checkPorts, obituary, runApp, untilAppIsReady, type RunningApp } from './start/run-app.ts';
import { endServers } from './supervisor.ts';

const running: RunningApp[] = [];
let ending: Promise<never> | undefined;

/** Apps first, so that they can flush what they have to the servers; then everything else. */
function end(code: number): Promise<never> {
  ending ??= (async () => {
    await Promise.all(running.map(({ server }) => server.stop()));
    await endServers('stop');
    process.exit(code);
  })();
  return ending;
}

async function fail(reason: string): Promise<void> {
  if (ending !== undefined) return;
  console.error(reason);
  await end(1);
}

async function startApp(infra: Infra, app: (typeof apps)[number]): Promise<void> {
  const started = await runApp(app, appEnvironment(infra.env), say);
  running.push(started);
  void started.server.exited.then(async () => {
    if (ending === undefined) await fail(await obituary(started));
  });
  await untilAppIsReady(started);
}

function say(line: string): void {
  console.log(line);
}

async function start(): Promise<void> {
  claimState();
  await Promise.all(apps.map(checkPorts));
  const build = process.env['START_BUILT'] !== '1';
  say(`${build ? 'building the apps; ' : ''}starting Kafka, Redis and PostgreSQL`);
  const [infra] = await Promise.all([resolveInfra({ say }), build && buildApps()]);
  infra.failed.catch((error: Error) => fail(error.message));
  say('starting the apps');
  for (const wave of [apps.filter(({ upstream }) => upstream), apps.filter(({ upstream }) => !upstream)]) {
    await Promise.all(wave.map((app) => startApp(infra, app)));
    if (ending !== undefined) return;
  }
  const seconds = process.uptime().toFixed(1);
  say(`\nTidegate is up after ${seconds} s\n\n${doorTable(infra, process.env)}\n\n${linesToCopy(process.env)}\n`);
  if (process.env['START_EXIT_WHEN_READY'] === '1') await end(0);
}

// A reader that went away (`npm start | head`) is no reason to leave processes behind.
process.stdout.on('error', () => undefined);
// Nothing else may hold the process: its servers do not.
setInterval(() => undefined, 60_000);
onEnd(() => {
  say('stopping');
  void end(0);
});
start().catch((error: unknown) => fail(error instanceof Error ? error.message : String(error)));
