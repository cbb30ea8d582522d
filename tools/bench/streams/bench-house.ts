import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { bundle } from '../../bundle.ts';
import { root } from '../../infra/cache.ts';
import { freePorts, startRedis, type LocalStore } from '../../infra/index.ts';
import { nodeFlags } from '../../start/apps.ts';
import { startServer, untilReady, type Server } from '../../supervisor.ts';
import { BenchCluster } from '../harness/bench-cluster.ts';
import { writeCatalog, type StreamName } from './catalog.ts';
import { BenchIssuer } from './issuer.ts';

/** A process under test. */
export interface Served {
  port: number;
  pid: number;
  stop: () => Promise<void>;
}

const readyTimeoutMs = 60_000;

/** The app `web` as it ships, with real servers beside it, and rivals on the same broker. */
export class BenchHouse {
  readonly cluster: BenchCluster;
  readonly issuer: BenchIssuer;
  readonly topics: Record<StreamName, string>;
  private readonly redis: LocalStore;
  private readonly folder: string;

  private constructor(parts: Pick<BenchHouse, 'cluster' | 'issuer' | 'topics'>, redis: LocalStore, folder: string) {
    this.cluster = parts.cluster;
    this.issuer = parts.issuer;
    this.topics = parts.topics;
    this.redis = redis;
    this.folder = folder;
  }

  static async start(): Promise<BenchHouse> {
    const folder = mkdtempSync(path.join(root, 'tmp/bench-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    const [cluster, redis, issuer] = await Promise.all([BenchCluster.start(), startRedis(), BenchIssuer.start()]);
    const [[one = ''], [six = '']] = await Promise.all([cluster.createTopics(1, 1), cluster.createTopics(1, 6)]);
    const topics = { one, six };
    writeCatalog(path.join(folder, 'catalog'), topics);
    await bundle(path.join(root, 'apps/web/src/main.ts'), path.join(folder, 'web.cjs'));
    await bundle(path.join(root, 'tools/bench/workers/stream-gateway.worker.ts'), path.join(folder, 'gateway.cjs'));
    return new BenchHouse({ cluster, issuer, topics }, redis, folder);
  }

  /** With the flags of Node that it ships with, unless others are given. */
  async startWeb(flags = nodeFlags): Promise<Served> {
    const [port, opsPort] = (await freePorts(2)) as [number, number];
    const env = {
      PATH: process.env['PATH'],
      NODE_ENV: 'production',
      LOG_LEVEL: 'warn',
      WEB_PORT: String(port),
      WEB_OPS_PORT: String(opsPort),
      CATALOG_DIR: path.join(this.folder, 'catalog'),
      WEB_CATALOG_DIR: path.join(root, 'apps/web/catalog'),
      KAFKA_BROKERS: this.cluster.brokers.join(','),
      REDIS_URL: this.redis.url,
      CURSOR_KEYS: randomBytes(32).toString('base64url'),
      ISSUER_URL: this.issuer.url,
      WEB_CLIENT_SECRET: 'not asked for here',
    };
    const args = [...flags, path.join(this.folder, 'web.cjs')];
    return this.serve('web', { args, env, port, readyUrl: `http://127.0.0.1:${opsPort}/readyz` });
  }

  async startGateway(kind: string): Promise<Served> {
    const [port] = (await freePorts(1)) as [number];
    const job = JSON.stringify({ port, brokers: this.cluster.brokers, topic: this.topics.one, kind });
    const args = [path.join(this.folder, 'gateway.cjs'), job];
    const env = { PATH: process.env['PATH'], NODE_ENV: 'production' };
    return this.serve('gateway', { args, env, port, readyUrl: `http://127.0.0.1:${port}/` });
  }

  async stop(): Promise<void> {
    this.issuer.stop();
    await Promise.all([this.cluster.stop(), this.redis.stop()]);
  }

  private async serve(
    name: string,
    { readyUrl, port, ...how }: { args: string[]; env: NodeJS.ProcessEnv; port: number; readyUrl: string },
  ): Promise<Served> {
    const logFile = path.join(root, `tmp/bench/${name}-${port}.log`);
    const server: Server = await startServer({ name, command: process.execPath, logFile, ...how });
    await untilReady(server, () => answers(readyUrl), readyTimeoutMs);
    return { port, pid: server.pid, stop: () => server.kill() };
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2_000) })).status < 500;
  } catch {
    return false;
  }
}
