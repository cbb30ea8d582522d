// What following topics costs while nothing happens in them, and how soon it hears of a record.
import { Producer } from '@tidegate/kafka';
import { setTimeout as sleep } from 'node:timers/promises';
import { doJob, type Report } from './job';
import { kafkaDeps } from './kafka-clients';
import { openTails, type TailOptions } from './kafka-tails';
import { quantile, Stopwatch } from './stopwatch';

interface TailJob extends TailOptions {
  settleMs: number;
  /** How long nothing happens; 0 measures the wake-up instead. */
  idleMs: number;
  wakeUps: number;
}

/** Between two records, so that each finds the tail waiting. */
const pauseMs = 5;
const mostWaitMs = 10_000;

async function measureIdle(job: TailJob): Promise<Report> {
  const close = await openTails(job, () => undefined);
  await sleep(job.settleMs);
  const stopwatch = new Stopwatch();
  await sleep(job.idleMs);
  const cpuPercent = (100 * stopwatch.cpuSeconds) / stopwatch.seconds;
  await close();
  return { cpuPercent };
}

/** Both sides hear of what our producer sends: its part of the time is the same. */
async function measureWakeUps(job: TailJob): Promise<Report> {
  let heard: (value: string) => void = () => undefined;
  const close = await openTails(job, (values) => values.forEach((value) => heard(value.toString())));
  const producer = new Producer({ brokers: job.brokers }, kafkaDeps());
  const [topic = ''] = job.topics;
  const wakeUp = async (value: string): Promise<number> => {
    const atMs = performance.now();
    const waiting = new Promise<number>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`not heard in ${mostWaitMs} ms`)), mostWaitMs);
      heard = (each) => {
        if (each !== value) return;
        clearTimeout(late);
        resolve(performance.now() - atMs);
      };
    });
    await producer.send({ topic, key: null, value });
    return waiting;
  };
  await sleep(job.settleMs);
  // The first ones meet code that was not compiled yet.
  const warmUps = Math.ceil(job.wakeUps / 5);
  const waitedMs: number[] = [];
  for (let count = -warmUps; count < job.wakeUps; count += 1) {
    const tookMs = await wakeUp(String(count));
    if (count >= 0) waitedMs.push(tookMs);
    await sleep(pauseMs);
  }
  await Promise.all([close(), producer.close()]);
  return { p50Ms: quantile(waitedMs, 0.5), p99Ms: quantile(waitedMs, 0.99) };
}

void doJob((job: TailJob) => (job.idleMs > 0 ? measureIdle(job) : measureWakeUps(job)));
