import { ByteReader } from './byte-reader';
import { ByteWriter } from './byte-writer';
import type { KafkaRequest } from './kafkajs-internals';
import type { AbortedTransaction } from './transaction-filter';

export interface FetchPosition {
  topic: string;
  partition: number;
  offset: bigint;
  maxBytes: number;
}

export interface FetchOptions {
  maxWaitMs: number;
  minBytes: number;
  maxBytes: number;
  rackId: string;
}

export interface FetchedPartition {
  topic: string;
  partition: number;
  errorCode: number;
  highWatermark: bigint;
  lastStable: bigint;
  logStart: bigint;
  aborted: AbortedTransaction[];
  /** Node to read from instead of the leader (KIP-392), or −1. */
  preferredReplica: number;
  records: Buffer;
}

export interface FetchResponse {
  throttleMs: number;
  errorCode: number;
  partitions: FetchedPartition[];
}

const consumerReplica = -1;
const readCommitted = 1;
/** Full fetches without a session: the broker keeps no state for us, and a lost response costs nothing. */
const noSession = { id: 0, epoch: -1 } as const;
const unknownEpoch = -1;
const unknownLogStart = -1n;
const noBytes = Buffer.alloc(0);

/** Fetch version 11, committed data only. */
export function fetchRequest(positions: readonly FetchPosition[], options: FetchOptions): KafkaRequest<FetchResponse> {
  return {
    apiKey: 1,
    apiVersion: 11,
    apiName: 'Fetch',
    body: encodeFetch(positions, options),
    decode: decodeFetch,
    timeoutMs: options.maxWaitMs,
  };
}

export function encodeFetch(positions: readonly FetchPosition[], options: FetchOptions): Buffer {
  const topics = new Map<string, FetchPosition[]>();
  for (const position of positions) {
    const partitions = topics.get(position.topic);
    if (partitions) partitions.push(position);
    else topics.set(position.topic, [position]);
  }
  const writer = new ByteWriter(64 + positions.length * 48);
  writer.int32(consumerReplica).int32(options.maxWaitMs).int32(options.minBytes).int32(options.maxBytes);
  writer.int8(readCommitted).int32(noSession.id).int32(noSession.epoch);
  writer.array([...topics], ([topic, partitions]) => {
    writer.string(topic).array(partitions, ({ partition, offset, maxBytes }) => {
      writer.int32(partition).int32(unknownEpoch).int64(offset).int64(unknownLogStart).int32(maxBytes);
    });
  });
  return writer.int32(0).string(options.rackId).finish();
}

/** @throws MalformedBytes */
export function decodeFetch(bytes: Buffer): FetchResponse {
  const reader = new ByteReader(bytes);
  const throttleMs = reader.int32();
  const errorCode = reader.int16();
  reader.skip(4);
  const partitions = reader.array((topicReader) => {
    const topic = topicReader.string();
    return topicReader.array((partitionReader) => readPartition(partitionReader, topic));
  });
  return { throttleMs, errorCode, partitions: partitions.flat() };
}

function readPartition(reader: ByteReader, topic: string): FetchedPartition {
  return {
    topic,
    partition: reader.int32(),
    errorCode: reader.int16(),
    highWatermark: reader.int64(),
    lastStable: reader.int64(),
    logStart: reader.int64(),
    aborted: reader.array((each) => ({ producerId: each.int64(), firstOffset: each.int64() })),
    preferredReplica: reader.int32(),
    records: reader.nullableBytes() ?? noBytes,
  };
}
