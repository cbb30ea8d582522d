// The memory of a process that sends or reads many records, early on and at the end: it must not grow with them.
import { Producer, RangeReader } from '@tidegate/kafka';
import { doJob, type Report } from './job';
import { kafkaDeps } from './kafka-clients';
import { quantile } from './stopwatch';
import { Values } from './values';

interface MemoryJob {
  role: 'producer' | 'reader';
  brokers: string[];
  topic: string;
  valuesFile: string;
  callers: number;
  records: number;
  /** The count whose memory the one at the end is compared with. */
  earlyRecords: number;
}

const sampleMs = 50;
const maxBytes = 1 << 20;
const mebibyte = 2 ** 20;

/** Samples the memory by the number of records done. */
class MemoryLog {
  done = 0;
  private earlyHeap = NaN;
  private readonly samples: { done: number; resident: number }[] = [];
  private readonly timer = setInterval(() => this.sample(), sampleMs);

  constructor(private readonly job: MemoryJob) {}

  end(): Report {
    clearInterval(this.timer);
    const { records, earlyRecords } = this.job;
    return {
      earlyResident: this.residentBetween(earlyRecords / 2, earlyRecords * 1.5),
      lateResident: this.residentBetween(records - earlyRecords, records),
      earlyHeap: this.earlyHeap,
      lateHeap: liveHeap(),
      done: this.done,
    };
  }

  private sample(): void {
    this.samples.push({ done: this.done, resident: process.memoryUsage.rss() / mebibyte });
    if (Number.isNaN(this.earlyHeap) && this.done >= this.job.earlyRecords) this.earlyHeap = liveHeap();
  }

  /** The process breathes: the middle of a stretch says more than its last moment. */
  private residentBetween(from: number, to: number): number {
    const stretch = this.samples.filter(({ done }) => done >= from && done <= to);
    return quantile(
      stretch.map(({ resident }) => resident),
      0.5,
    );
  }
}

/** What is still used once all that is not has been collected; Node runs with --expose-gc for it. */
function liveHeap(): number {
  gc?.();
  return process.memoryUsage().heapUsed / mebibyte;
}

async function send(job: MemoryJob, log: MemoryLog): Promise<Report> {
  const producer = new Producer({ brokers: job.brokers }, kafkaDeps());
  const values = new Values(job.valuesFile);
  let sent = 0;
  const call = async (): Promise<void> => {
    while (sent < job.records) {
      sent += 1;
      await producer.send({ topic: job.topic, key: null, value: values.next() });
      log.done += 1;
    }
  };
  await Promise.all(Array.from({ length: job.callers }, call));
  // Still open: what it may hold on to counts.
  const report = log.end();
  await producer.close();
  return report;
}

async function read(job: MemoryJob, log: MemoryLog): Promise<Report> {
  const reader = new RangeReader({ brokers: job.brokers }, kafkaDeps());
  const ends = await reader.offsets(job.topic, 'latest');
  const readPartition = async (end: bigint, partition: number): Promise<void> => {
    for (let from = 0n; from < end;) {
      const range = await reader.readRange(job.topic, partition, from, maxBytes);
      log.done += range.records.length;
      from = range.next;
    }
  };
  await Promise.all(ends.map(readPartition));
  const report = log.end();
  await reader.close();
  return report;
}

void doJob((job: MemoryJob) => (job.role === 'producer' ? send : read)(job, new MemoryLog(job)));
