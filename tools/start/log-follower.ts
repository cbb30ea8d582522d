import { closeSync, openSync, readSync } from 'node:fs';

const pollMs = 200;
const notableLevels = new Set(['warn', 'error', 'fatal']);

interface LogLine {
  level?: string;
  msg?: string;
  err?: { message?: string };
}

/** What of a log line a developer should see at once: warnings, errors, and whatever is not a line of our logger. */
export function notable(line: string): string | undefined {
  const parsed = parse(line);
  if (parsed === undefined) return line.trim() === '' ? undefined : line;
  if (parsed.level === undefined || !notableLevels.has(parsed.level)) return undefined;
  const cause = parsed.err?.message ?? parsed.msg;
  const reason = cause === parsed.msg ? '' : `: ${cause}`;
  return `${parsed.level} ${parsed.msg ?? ''}${reason}`;
}

function parse(line: string): LogLine | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Shows the notable lines of a log while it grows. The app writes to the file and not to us, so that it can go on writing
 * while it drains after we have gone. Returns what shows the rest and ends.
 */
export function followLog(file: string, show: (line: string) => void): () => void {
  const descriptor = openSync(file, 'r');
  const buffer = Buffer.alloc(65_536);
  let unfinished = Buffer.alloc(0);
  const readOn = () => {
    for (let count = readSync(descriptor, buffer); count > 0; count = readSync(descriptor, buffer)) {
      const text = Buffer.concat([unfinished, buffer.subarray(0, count)]);
      const end = text.lastIndexOf(10) + 1;
      unfinished = text.subarray(end);
      for (const line of text.subarray(0, end).toString().split('\n')) {
        const shown = notable(line);
        if (shown !== undefined) show(shown);
      }
    }
  };
  const poll = setInterval(readOn, pollMs);
  poll.unref();
  return () => {
    clearInterval(poll);
    readOn();
    closeSync(descriptor);
  };
}
