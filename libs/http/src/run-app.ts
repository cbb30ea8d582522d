import { createLogger, type Logger } from '@tidegate/telemetry';
import { RunningApps, startProblem, type RunAppOptions } from './running-apps';

/** The parts of `process` that are used, so that a spec can stand in for it. */
export type ProcessLike = Pick<NodeJS.Process, 'on' | 'exit' | 'stderr'>;

/**
 * Starts everything, and ends it in order on SIGTERM or SIGINT with exit code 0; the same signal again ends it at once.
 * Resolves when all doors are open. Options may come from a function, so that what it throws about the configuration is
 * reported the same way as a taken port: on standard error, with exit code 1.
 */
export async function runApp(
  given: RunAppOptions | (() => RunAppOptions | Promise<RunAppOptions>),
  host: ProcessLike = process,
): Promise<void> {
  let logger = createLogger({ service: 'start' });
  try {
    const options = typeof given === 'function' ? await given() : given;
    const { service, logLevel = 'info' } = options;
    logger = createLogger({ service, level: logLevel });
    const running = new RunningApps(options, logger);
    onSignals(host, running, logger, options.gracePeriodMs ?? 25_000);
    host.on('uncaughtException', (error) => fail(host, logger, error));
    await running.start();
  } catch (error) {
    fail(host, logger, error);
  }
}

function onSignals(host: ProcessLike, running: RunningApps, logger: Logger, gracePeriodMs: number): void {
  const received = new Set<string>();
  const receive = (signal: string) => {
    // A terminal sends SIGINT to the whole group, and its supervisor SIGTERM on top: only a repeated one is impatience.
    if (received.has(signal)) return void host.exit(1);
    received.add(signal);
    if (received.size > 1) return;
    logger.info({ signal }, 'stopping');
    const late = setTimeout(() => {
      logger.error({ gracePeriodMs }, 'not stopped in time');
      host.exit(1);
    }, gracePeriodMs);
    void running
      .stop()
      .then(() => logger.info('stopped'))
      .then(
        () => host.exit(0),
        (error: unknown) => fail(host, logger, error),
      )
      .finally(() => clearTimeout(late));
  };
  for (const signal of ['SIGTERM', 'SIGINT']) host.on(signal, () => receive(signal));
}

function fail(host: ProcessLike, logger: Logger, error: unknown): void {
  const problem = startProblem(error);
  if (problem === undefined) logger.fatal({ err: error }, 'cannot go on');
  else host.stderr.write(`${problem}\n`);
  host.exit(1);
}
