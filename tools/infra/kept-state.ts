import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { localDirectory, openDirectory } from './directories.ts';
import { freePorts, isFree } from './ports.ts';
import { canReach, findPostgres } from './postgres-programs.ts';

const file = path.join(localDirectory, 'infra.json');

interface KeptState {
  ports: Record<string, number[]>;
  /** Where the data is that could not be in `.local/`. */
  elsewhere: Record<string, string>;
}

function read(): KeptState {
  if (!existsSync(file)) return { ports: {}, elsewhere: {} };
  return { ports: {}, elsewhere: {}, ...(JSON.parse(readFileSync(file, 'utf8')) as Partial<KeptState>) };
}

function write(state: KeptState): void {
  mkdirSync(localDirectory, { recursive: true });
  writeFileSync(file, `${JSON.stringify(state, null, 2)}\n`);
}

/** The ports that a server had last time; new ones, kept from now on, on the first start or when somebody took them. */
export async function keptPorts(server: string, count: number, say: (line: string) => void): Promise<number[]> {
  const kept = read().ports[server];
  const taken = await firstTaken(kept ?? []);
  if (kept?.length === count && taken === undefined) return kept;
  const ports = await freePorts(count);
  if (taken !== undefined) say(`port ${taken} of ${server} is taken by another process: it moves to ${ports[0]}`);
  const state = read();
  write({ ...state, ports: { ...state.ports, [server]: ports } });
  return ports;
}

async function firstTaken(ports: number[]): Promise<number | undefined> {
  for (const port of ports) if (!(await isFree(port))) return port;
  return undefined;
}

/** `.local/postgres`; or, where root runs us and PostgreSQL's account cannot get there, a directory that it can reach. */
export function postgresDirectory(): string {
  const inside = path.join(localDirectory, 'postgres');
  mkdirSync(inside, { recursive: true });
  if (canReach(inside, findPostgres().account)) return inside;
  const outside = path.join(openDirectory(), 'postgres');
  const state = read();
  write({ ...state, elsewhere: { ...state.elsewhere, postgres: outside } });
  return outside;
}
