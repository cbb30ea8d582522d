import { describeCluster, startKafka, startPostgres, startRedis, type LocalServer } from '@tidegate/infra';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const tools = path.resolve(__dirname, '../tools');

/** Starts servers, says where they are, and never stops them. */
const forgetfulParent = `
  import { startPostgres, startRedis, startServer } from '${tools}/infra/index.ts';
  const [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
  const shell = { name: 'a server with a child', command: 'sh', args: ['-c', 'sleep 300 & wait'], logFile: '/dev/null' };
  const { pid } = await startServer(shell);
  console.log(JSON.stringify({ ports: [redis.port, postgres.port], pids: [pid] }));
  setInterval(() => undefined, 60_000);
`;

/** Whether the server answers these bytes within half a second. */
function answers(port: number, request: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    const finish = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(500, () => finish(false));
    socket.once('data', () => finish(true));
    socket.once('error', () => finish(false));
    socket.once('close', () => finish(false));
  });
}

// An SSLRequest: PostgreSQL answers it before it knows who asks.
const sslRequest = '\0\0\0\x08\x04\xd2\x16\x2f';
const pingRedis = (server: LocalServer) => answers(server.port, 'PING\r\n');
const askPostgres = (server: LocalServer) => answers(server.port, sslRequest);

async function survivesEverything(server: LocalServer, isUp: (server: LocalServer) => Promise<boolean>) {
  expect(await isUp(server)).toBe(true);
  await server.pause();
  expect(await isUp(server)).toBe(false);
  await server.resume();
  expect(await isUp(server)).toBe(true);
  await server.kill();
  expect(await isUp(server)).toBe(false);
  await server.restart();
  expect(await isUp(server)).toBe(true);
}

describe('local servers', () => {
  it('gives a Redis server that is paused, killed and restarted on its port', async () => {
    const redis = await startRedis();
    await survivesEverything(redis, pingRedis);
    await redis.stop();
    expect(await pingRedis(redis)).toBe(false);
  });

  it('gives a PostgreSQL server that is paused, killed and restarted on its port', async () => {
    const postgres = await startPostgres();
    await survivesEverything(postgres, askPostgres);
    await postgres.stop();
    expect(await askPostgres(postgres)).toBe(false);
  });

  it('keeps what a server stored when it is given a directory', async () => {
    const dir = mkdtempSync(path.join(os.tmpdir(), 'tidegate-kept-'));
    const first = await startRedis({ dir });
    await answers(first.port, 'SET tide high\r\n');
    await first.stop();
    const second = await startRedis({ dir });
    expect(readdirSync(dir)).toContain('appendonlydir');
    expect(await redisValue(second.port, 'tide')).toContain('high');
    await second.stop();
    rmSync(dir, { recursive: true });
  });

  it('gives a Kafka broker that is paused, killed and restarted on its port', async () => {
    const { nodes, brokers, stop } = await startKafka();
    const [node] = nodes;
    expect(brokers).toEqual([`127.0.0.1:${node?.port}`]);
    await survivesEverything(node as LocalServer, async ({ port }) => (await describeCluster(port, 500)) !== undefined);
    await stop();
    expect(await describeCluster(node?.port as number)).toBeUndefined();
  });

  it('gives three Kafka brokers that go on without one and take it back', async () => {
    const { nodes, stop } = await startKafka({ brokers: 3 });
    const [one, two] = nodes as [LocalServer, LocalServer];
    expect((await describeCluster(one.port))?.nodeIds.sort()).toEqual([1, 2, 3]);
    await one.kill();
    await until(async () => (await describeCluster(two.port))?.nodeIds.length === 2);
    await one.restart();
    await until(async () => (await describeCluster(two.port))?.nodeIds.length === 3);
    await stop();
  });

  it('ends with the process that started it, however that ends', async () => {
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', forgetfulParent], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
    const { ports, pids } = JSON.parse(line) as { ports: [number, number]; pids: [number] };
    expect(await answers(ports[0], 'PING\r\n')).toBe(true);
    expect(await answers(ports[1], sslRequest)).toBe(true);

    parent.kill('SIGKILL');

    await until(async () => !(await answers(ports[0], 'PING\r\n')) && !(await answers(ports[1], sslRequest)));
    await until(() => Promise.resolve(!isAlive(-pids[0])));
  });
});

function redisValue(port: number, key: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(`GET ${key}\r\n`));
    socket.once('data', (data) => resolve(data.toString()));
    socket.once('error', reject);
  });
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function until(condition: () => Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; await sleep(50)) if (await condition()) return;
  throw new Error(`still not so after ${timeoutMs} ms`);
}
