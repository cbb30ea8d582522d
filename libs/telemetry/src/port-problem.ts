import { AppError } from '@tidegate/errors';

interface Door {
  host: string;
  port: number;
  /** The variable that sets the port. */
  portVariable: string;
}

/** The error of a door that could not be opened: `invalid_config` that names the variable to change. */
export function portProblem(error: unknown, { host, port, portVariable }: Door): AppError {
  const { code } = error as { code?: unknown };
  if (code === 'EADDRINUSE') {
    const message = `Port ${port} on ${host} is taken; set ${portVariable} to a free one.`;
    return new AppError('invalid_config', message, { cause: error });
  }
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    const message = `Cannot listen on ${host}:${port} (${code}); change ${portVariable}.`;
    return new AppError('invalid_config', message, { cause: error });
  }
  return AppError.from(error);
}
