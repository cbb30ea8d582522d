import type { Cluster } from './cluster';
import { KafkaErrorCode, kafkaCodes } from './errors';
import { listOffsetsRequest, logEnds, type ListOffsetsQuery } from './list-offsets';
import type { PartitionMetadata } from './metadata';

/** An offset of committed data per partition, in the order of `partitions`, asked of all their leaders at once. */
export async function committedOffsets(
  cluster: Cluster,
  topic: string,
  partitions: readonly PartitionMetadata[],
  at: bigint,
): Promise<bigint[]> {
  const byLeader = new Map<number, number[]>();
  for (const { partition, leader } of partitions) {
    if (leader < 0) throw new KafkaErrorCode(kafkaCodes.leaderNotAvailable, `partition ${partition} of ${topic}`);
    byLeader.set(leader, [...(byLeader.get(leader) ?? []), partition]);
  }
  const answers = await Promise.all(
    [...byLeader].map(([leader, led]) => askLeader(cluster, leader, { topic, partitions: led, at, committed: true })),
  );
  const offsets = new Map(answers.flat());
  return partitions.map(({ partition }) => {
    const offset = offsets.get(partition);
    if (offset === undefined) throw new KafkaErrorCode(kafkaCodes.unknownTopicOrPartition, `offsets of ${topic}`);
    return offset;
  });
}

/** The log's start and its end (high watermark) of one partition. */
export async function logBounds(
  cluster: Cluster,
  leader: number,
  topic: string,
  partition: number,
): Promise<LogBounds> {
  const ask = async (at: bigint) => {
    const answer = await askLeader(cluster, leader, { topic, partitions: [partition], at, committed: false });
    return answer[0]?.[1] ?? 0n;
  };
  const [logStart, end] = await Promise.all([ask(logEnds.earliest), ask(logEnds.latest)]);
  return { logStart, end };
}

export interface LogBounds {
  logStart: bigint;
  end: bigint;
}

async function askLeader(cluster: Cluster, leader: number, query: ListOffsetsQuery): Promise<[number, bigint][]> {
  const { partitions } = await cluster.send(leader, listOffsetsRequest(query));
  return partitions.map(({ partition, errorCode, offset }) => {
    if (errorCode !== kafkaCodes.none) throw new KafkaErrorCode(errorCode, `offsets of ${query.topic}`);
    return [partition, offset];
  });
}
