import { existsSync, linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { z } from 'zod';

/** The secrets in `file`, readable by their owner only; made at the first start, so that what they stand for outlives a restart. */
export async function keptFile<S extends z.ZodType>(
  file: string,
  schema: S,
  make: () => Promise<z.output<S>>,
): Promise<z.output<S>> {
  return read(file, schema) ?? store(file, schema, await make());
}

function read<S extends z.ZodType>(file: string, schema: S): z.output<S> | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return schema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    throw new Error(`${file} holds no usable keys; remove it and new ones are made.`, { cause: error });
  }
}

function store<S extends z.ZodType>(file: string, schema: S, secrets: z.output<S>): z.output<S> {
  mkdirSync(path.dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(secrets), { mode: 0o600 });
  try {
    // A link fails where the file exists: of two instances that start together one wins, and both read its keys.
    linkSync(draft, file);
    return secrets;
  } catch (error) {
    const winner = read(file, schema);
    if (winner === undefined) throw error;
    return winner;
  } finally {
    unlinkSync(draft);
  }
}
