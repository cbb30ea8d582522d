import { TailPool, type TailListener } from '@tidegate/kafka';
import { kafkaDeps, kafkajsClient, type ClientName } from './kafka-clients';

export interface TailOptions {
  client: ClientName;
  brokers: string[];
  topics: string[];
}

/** As long for both: how often an idle topic is asked about. */
const maxWaitMs = 500;

/** Follows topics from now on; resolves when it does. */
export async function openTails(
  options: TailOptions,
  onValues: (values: Buffer[]) => void,
): Promise<() => Promise<void>> {
  return options.client === 'tidegate' ? followWithPool(options, onValues) : followWithGroup(options, onValues);
}

async function followWithPool({ brokers, topics }: TailOptions, onValues: (values: Buffer[]) => void) {
  const pool = new TailPool({ brokers, maxWaitMs }, kafkaDeps());
  const ignore = (): void => undefined;
  const listener: TailListener = {
    onRecords: (_partition, records) => onValues(records.flatMap(({ value }) => value ?? [])),
    ...{ onReset: ignore, onPartitionAdded: ignore, onDeleted: ignore, onUnavailable: ignore, onAvailable: ignore },
  };
  await Promise.all(topics.map((topic) => pool.open(topic, listener)));
  return () => pool.close();
}

async function followWithGroup({ brokers, topics }: TailOptions, onValues: (values: Buffer[]) => void) {
  const consumer = kafkajsClient(brokers).consumer({ groupId: `bench-${process.pid}`, maxWaitTimeInMs: maxWaitMs });
  await consumer.connect();
  await consumer.subscribe({ topics, fromBeginning: false });
  const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
  await consumer.run({
    autoCommit: false,
    eachBatch: ({ batch }) => {
      onValues(batch.messages.flatMap(({ value }) => value ?? []));
      return Promise.resolve();
    },
  });
  await joined;
  return () => consumer.disconnect();
}
