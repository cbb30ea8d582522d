import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino';
import { requestContext } from './request-context';

/** Pino's logger: `logger.info({ topic }, 'tail opened')`. */
export type Logger = PinoLogger;

export interface LoggerOptions {
  /** Name of the app, in every line. */
  service: string;
  level?: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  /** Where lines go; standard output by default. */
  destination?: DestinationStream;
}

/** A logger that writes JSON lines, adds the request context to each and keeps credentials out of them. */
export function createLogger({ service, level = 'info', destination }: LoggerOptions): Logger {
  return pino(
    { level, base: { service }, mixin: () => ({ ...requestContext.get() }) },
    destination ?? pino.destination(1),
  );
}
