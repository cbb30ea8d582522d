import { Producer } from '@tidegate/kafka';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { tokensFor, type TokenIssuer } from './bearer-tokens';
import { DeliveryCheck } from './delivery-check';
import { doJob, type Report } from './job';
import { kafkaDeps } from './kafka-clients';
import { cpuSecondsOf } from './process-usage';
import { markedRow, nowMs } from './stream-marks';
import { openAll, StreamSocket, type Door } from './stream-socket';

interface Load {
  brokers: string[];
  topic: string;
  partitions: number;
  /** Records a second, all partitions together. */
  rate: number;
  warmUpMs: number;
  measureMs: number;
}

interface FanOutJob extends Load {
  door: Omit<Door, 'token'>;
  clients: number;
  /** Of the callers, in turn. */
  roles: string[];
  issuer: TokenIssuer;
  serverPid: number;
}

const settleMs = 500;
const tickMs = 5;
/** How long nothing new may come before what is missing counts as lost. */
const drainMs = 5_000;

async function measure(job: FanOutJob): Promise<Report> {
  const check = new DeliveryCheck();
  const tokens = await tokensFor(job.clients, job.roles, job.issuer);
  const clients = tokens.map((token) => new StreamSocket({ ...job.door, token }, check.client()));
  await openAll(clients);
  await sleep(settleMs);

  const producer = new Worker(__filename, { workerData: job });
  await sleep(job.warmUpMs);
  const [startedMs, cpuSeconds, ownSeconds] = [nowMs(), cpuSecondsOf(job.serverPid), process.cpuUsage()];
  check.measureFrom(startedMs);
  const [sent] = (await once(producer, 'message')) as [number[]];
  await untilAllCame(check, sent, clients);
  const seconds = (check.lastAtMs - startedMs) / 1_000;
  const serverSeconds = cpuSecondsOf(job.serverPid) - cpuSeconds;
  const own = process.cpuUsage(ownSeconds);
  return {
    deliveriesPerSecond: check.measured / seconds,
    p50Ms: check.quantile(0.5),
    p99Ms: check.quantile(0.99),
    cores: serverSeconds / seconds,
    deliveriesPerCpuSecond: check.measured / serverSeconds,
    clientCores: (own.user + own.system) / 1e6 / seconds,
  };
}

async function untilAllCame(check: DeliveryCheck, sent: readonly number[], clients: readonly StreamSocket[]) {
  const expected = sent.reduce((sum, count) => sum + count, 0) * clients.length;
  let seen = 0;
  for (let sinceMs = nowMs(); check.deliveries < expected; await sleep(tickMs)) {
    const closed = clients.find(({ closedBy }) => closedBy !== undefined);
    if (closed !== undefined) throw new Error(`a client was cut: ${closed.closedBy}`);
    if (check.deliveries !== seen) sinceMs = nowMs();
    seen = check.deliveries;
    if (nowMs() - sinceMs > drainMs) throw new Error(`${expected} deliveries were due and ${seen} came`);
  }
  if (check.deliveries > expected) throw new Error(`${check.deliveries - expected} deliveries came twice`);
}

/** In a thread of its own, so that reading does not hold up sending. */
async function produce({ brokers, topic, partitions, rate, warmUpMs, measureMs }: Load): Promise<void> {
  const producer = new Producer({ brokers }, kafkaDeps());
  const sent = Array.from({ length: partitions }, () => 0);
  const count = Math.round((rate * (warmUpMs + measureMs)) / 1_000);
  const acknowledged: Promise<unknown>[] = [];
  const startedMs = nowMs();
  for (let index = 0; index < count; await sleep(tickMs)) {
    const due = Math.min(count, Math.floor(((nowMs() - startedMs) * rate) / 1_000) + 1);
    for (; index < due; index++) {
      const partition = index % partitions;
      const sequence = sent[partition]!++;
      const value = markedRow({ sequence, partition, sentAtMs: nowMs() });
      acknowledged.push(producer.send({ topic, partition, key: null, value }));
    }
  }
  await Promise.all(acknowledged);
  parentPort?.postMessage(sent);
  await producer.close();
}

void (isMainThread ? doJob(measure) : produce(workerData as Load));
