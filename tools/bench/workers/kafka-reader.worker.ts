// Reads a whole topic once: how many records a second, and what they cost.
import { RangeReader } from '@tidegate/kafka';
import { doJob, type Report } from './job';
import { kafkaDeps, kafkajsClient, type ClientName } from './kafka-clients';
import { Stopwatch } from './stopwatch';

interface ReaderJob {
  client: ClientName;
  brokers: string[];
  topic: string;
  records: number;
}

const maxBytes = 1 << 20;
/** Of kafkajs' partitions at once: the best that it was seen to do. */
const concurrently = 3;

async function readRanges({ brokers, topic, records }: ReaderJob): Promise<Report> {
  const reader = new RangeReader({ brokers }, kafkaDeps());
  const ends = await reader.offsets(topic, 'latest');
  const stopwatch = new Stopwatch();
  let read = 0;
  let bytes = 0;
  const readPartition = async (end: bigint, partition: number): Promise<void> => {
    for (let from = 0n; from < end;) {
      const range = await reader.readRange(topic, partition, from, maxBytes);
      for (const { value } of range.records) bytes += value?.length ?? 0;
      read += range.records.length;
      from = range.next;
    }
  };
  await Promise.all(ends.map(readPartition));
  const rates = stopwatch.rates(read);
  await reader.close();
  return checked({ ...rates, read, megabytes: bytes / 1e6 }, records);
}

async function readWithGroup({ brokers, topic, records }: ReaderJob): Promise<Report> {
  const consumer = kafkajsClient(brokers).consumer({ groupId: `bench-${topic}-${process.pid}` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  let stopwatch: Stopwatch | undefined;
  let read = 0;
  let bytes = 0;
  const rates = await new Promise<Report>((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => payload.restart || reject(payload.error));
    // Joining the group is not reading: the time runs from the first fetch.
    consumer.on(consumer.events.FETCH_START, () => (stopwatch ??= new Stopwatch()));
    void consumer.run({
      autoCommit: false,
      partitionsConsumedConcurrently: concurrently,
      eachBatch: ({ batch }) => {
        for (const { value } of batch.messages) bytes += value?.length ?? 0;
        read += batch.messages.length;
        if (read >= records && stopwatch) resolve(stopwatch.rates(read));
        return Promise.resolve();
      },
    });
  });
  await consumer.disconnect();
  return checked({ ...rates, read, megabytes: bytes / 1e6 }, records);
}

function checked(report: Report & { read: number }, records: number): Report {
  if (report.read !== records) throw new Error(`${report.read} of ${records} records were read`);
  return report;
}

void doJob((job: ReaderJob) => (job.client === 'tidegate' ? readRanges(job) : readWithGroup(job)));
