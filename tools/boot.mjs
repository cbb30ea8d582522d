// Runs on the Node that started npm, 20 or newer, before anything is installed: node: imports only. Makes node_modules
// match package-lock.json; from then on `node` in npm's scripts is the pinned Node 24.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const stampFile = path.join(root, 'node_modules/.install-stamp');
const lockFile = path.join(root, 'tmp/boot.lock');
const dependencyFields = ['dependencies', 'devDependencies', 'optionalDependencies', 'overrides', 'workspaces'];
// Jest runs ES modules from here on, and files are TypeScript without a flag.
const oldestOwnNode = [24, 9];

/** Differs when an install would make another node_modules; a new script in package.json does not count. */
function stamp() {
  const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  return createHash('sha256')
    .update(readFileSync(path.join(root, 'package-lock.json')))
    .update(JSON.stringify(dependencyFields.map((field) => manifest[field])))
    .update(`${process.platform}-${process.arch}`)
    .digest('hex');
}

function isInstalled() {
  return existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp();
}

/** @param {number} ms */
function sleep(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Whether the process that the lock names still runs. */
function isHeld() {
  try {
    // Empty for the moment between making and writing it.
    const holder = Number(readFileSync(lockFile, 'utf8')) || process.pid;
    process.kill(holder, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/**
 * `npm start` and `npm test` may begin at the same moment: one installs, the other waits.
 * @param {() => void} work
 */
function whileLocked(work) {
  mkdirSync(path.dirname(lockFile), { recursive: true });
  for (let told = false; ; sleep(300)) {
    try {
      writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
      if (!isHeld()) rmSync(lockFile, { recursive: true, force: true });
      else if (!told) console.log('waiting for another install to finish');
      told = true;
    }
  }
  process.once('exit', () => rmSync(lockFile, { force: true }));
  work();
}

function install() {
  if (isInstalled()) return;
  const startedAt = Date.now();
  console.log('installing what package-lock.json says');
  const { status, error } = npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']);
  if (status !== 0) {
    console.error(
      `npm ci failed${error ? `: ${error.message}` : ''}. If package.json was changed, run npm install once.`,
    );
    process.exit(status ?? 1);
  }
  writeFileSync(stampFile, stamp());
  console.log(`installed in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
}

/** @param {string[]} args */
function npm(args) {
  // What the outer npm tells its scripts is not meant for the inner one.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_(lifecycle|package|command)/i.test(name)),
  );
  const options = { cwd: root, env, stdio: /** @type {const} */ ('inherit') };
  const cli = process.env['npm_execpath'];
  return cli ? spawnSync(process.execPath, [cli, ...args], options) : spawnSync('npm', args, options);
}

/** The scripts after this one run on the pinned Node, or on the user's where npm carries none for the platform. */
function checkNode() {
  const pinned = path.join(root, 'node_modules/.bin/node');
  if (spawnSync(pinned, ['--version'], { stdio: 'ignore' }).status === 0) return;
  // Made for another C library, it would stand before the user's own in the path.
  rmSync(pinned, { force: true });
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = oldestOwnNode;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  console.error(
    `Node ${oldestOwnNode.join('.')} or newer is needed, and npm carries none that runs on ${process.platform}-${process.arch}: ` +
      `install it and run this again (this is Node ${process.versions.node}).`,
  );
  process.exit(1);
}

if (!isInstalled()) whileLocked(install);
checkNode();
