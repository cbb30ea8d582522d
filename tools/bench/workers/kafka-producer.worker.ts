// Many callers at one producer for a time: how many records a second are acknowledged, and what each costs and waits.
import { setTimeout as sleep } from 'node:timers/promises';
import { doJob, type Report } from './job';
import { openSender, type Sender, type SenderOptions } from './kafka-senders';
import { quantile, Stopwatch } from './stopwatch';
import { Values } from './values';

interface ProducerJob extends SenderOptions {
  valuesFile: string;
  /** Each sends again when it was answered. */
  callers: number;
  /** Records that a caller sends together. */
  batch: number;
  warmUpMs: number;
  measureMs: number;
}

/** One call in so many has its time taken. */
const sampling = 8;

class Load {
  acked = 0;
  waitedMs: number[] = [];
  private running = true;
  private readonly callers: Promise<void>[];

  constructor(
    private readonly sender: Sender,
    private readonly values: Values,
    { callers, batch }: ProducerJob,
  ) {
    this.callers = Array.from({ length: callers }, () => (batch > 1 ? this.callInBatches(batch) : this.call()));
  }

  async end(): Promise<void> {
    this.running = false;
    await Promise.all(this.callers);
  }

  private async call(): Promise<void> {
    for (let count = 0; this.running; count += 1) {
      const atMs = performance.now();
      await this.sender.send(this.values.next());
      this.acked += 1;
      if (count % sampling === 0) this.waitedMs.push(performance.now() - atMs);
    }
  }

  private async callInBatches(batch: number): Promise<void> {
    while (this.running) {
      const atMs = performance.now();
      await this.sender.sendBatch(Array.from({ length: batch }, () => this.values.next()));
      this.acked += batch;
      this.waitedMs.push(performance.now() - atMs);
    }
  }
}

async function measure(job: ProducerJob): Promise<Report> {
  const sender = await openSender(job);
  const load = new Load(sender, new Values(job.valuesFile), job);
  await sleep(job.warmUpMs);
  const ackedBefore = load.acked;
  load.waitedMs = [];
  const stopwatch = new Stopwatch();
  await sleep(job.measureMs);
  const rates = stopwatch.rates(load.acked - ackedBefore);
  const { waitedMs } = load;
  load.waitedMs = [];
  await load.end();
  await sender.close();
  return { ...rates, p50Ms: quantile(waitedMs, 0.5), p99Ms: quantile(waitedMs, 0.99), acked: load.acked };
}

void doJob(measure);
