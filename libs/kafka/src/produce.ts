import { ByteReader } from './byte-reader';
import { ByteWriter } from './byte-writer';
import type { KafkaRequest } from './kafkajs-internals';

export interface SealedPartition {
  topic: string;
  partition: number;
  batch: Buffer;
}

export interface PartitionAnswer {
  topic: string;
  partition: number;
  errorCode: number;
  baseOffset: bigint;
  /** Positions in the batch of the records that were refused, with the broker's reason. */
  recordErrors: RecordError[];
  errorMessage: string | null;
}

interface RecordError {
  index: number;
  message: string | null;
}

export interface ProduceResponse {
  throttleMs: number;
  partitions: PartitionAnswer[];
}

const noTransaction = -1;
const allReplicas = -1;

/** Produce version 8, the first whose answer names single records; acks=all, and the broker answers within `ackTimeoutMs`. */
export function produceRequest(
  partitions: readonly SealedPartition[],
  ackTimeoutMs: number,
): KafkaRequest<ProduceResponse> {
  return {
    apiKey: 0,
    apiVersion: 8,
    apiName: 'Produce',
    body: encodeProduce(partitions, ackTimeoutMs),
    decode: decodeProduce,
    timeoutMs: ackTimeoutMs,
  };
}

function encodeProduce(partitions: readonly SealedPartition[], ackTimeoutMs: number): Buffer {
  const topics = new Map<string, SealedPartition[]>();
  let size = 16;
  for (const sealed of partitions) {
    const others = topics.get(sealed.topic);
    if (others) others.push(sealed);
    else topics.set(sealed.topic, [sealed]);
    size += 8 + sealed.batch.length + (others ? 0 : 6 + Buffer.byteLength(sealed.topic));
  }
  const writer = new ByteWriter(size).int16(noTransaction).int16(allReplicas).int32(ackTimeoutMs);
  writer.array([...topics], ([topic, sealed]) => {
    writer
      .string(topic)
      .array(sealed, ({ partition, batch }) => writer.int32(partition).int32(batch.length).raw(batch));
  });
  return writer.finish();
}

/** @throws MalformedBytes */
export function decodeProduce(bytes: Buffer): ProduceResponse {
  const reader = new ByteReader(bytes);
  const partitions = reader.array((topicReader) => {
    const topic = topicReader.string();
    return topicReader.array((partitionReader) => readPartition(partitionReader, topic));
  });
  return { partitions: partitions.flat(), throttleMs: reader.int32() };
}

function readPartition(reader: ByteReader, topic: string): PartitionAnswer {
  const partition = reader.int32();
  const errorCode = reader.int16();
  const baseOffset = reader.int64();
  // Append time and log start: nobody asks for them here.
  reader.skip(16);
  const recordErrors = reader.array((each) => ({ index: each.int32(), message: each.nullableString() }));
  return { topic, partition, errorCode, baseOffset, recordErrors, errorMessage: reader.nullableString() };
}
