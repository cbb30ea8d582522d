import { ByteReader } from './byte-reader';
import { ByteWriter } from './byte-writer';
import type { KafkaRequest } from './kafkajs-internals';
import { readTopicId, topicIdBytes } from './metadata';
import type { AbortedTransaction } from './transaction-filter';

export interface FetchPosition {
  topicId: string;
  partition: number;
  offset: bigint;
  maxBytes: number;
  /** Under which leader the record before `offset` was written, when that is known: should the log have lost it, the answer says so. */
  lastEpoch?: number;
}

export interface FetchOptions {
  maxWaitMs: number;
  minBytes: number;
  maxBytes: number;
  rackId: string;
}

export interface FetchedPartition {
  topicId: string;
  partition: number;
  errorCode: number;
  highWatermark: bigint;
  lastStable: bigint;
  logStart: bigint;
  aborted: AbortedTransaction[];
  /** Node to read from instead of the leader (KIP-392), or −1. */
  preferredReplica: number;
  records: Buffer;
  /** Where the log that was read ends for a leader that has lost what came behind; nothing is fetched then. */
  divergesAt?: bigint;
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
const divergingEpochTag = 0;
const epochBytes = 4;
const noBytes = Buffer.alloc(0);

/** Fetch version 13, committed data only: the first that names topics by id, so that a topic made again is never read for the old one. */
export function fetchRequest(positions: readonly FetchPosition[], options: FetchOptions): KafkaRequest<FetchResponse> {
  return {
    apiKey: 1,
    apiVersion: 13,
    apiName: 'Fetch',
    body: encodeFetch(positions, options),
    decode: decodeFetch,
    timeoutMs: options.maxWaitMs,
  };
}

export function encodeFetch(positions: readonly FetchPosition[], options: FetchOptions): Buffer {
  const topics = new Map<string, FetchPosition[]>();
  for (const position of positions) {
    const partitions = topics.get(position.topicId);
    if (partitions) partitions.push(position);
    else topics.set(position.topicId, [position]);
  }
  const writer = new ByteWriter(64 + positions.length * 56).noTags();
  writer.int32(consumerReplica).int32(options.maxWaitMs).int32(options.minBytes).int32(options.maxBytes);
  writer.int8(readCommitted).int32(noSession.id).int32(noSession.epoch);
  writer.compactArray([...topics], ([topicId, partitions]) => {
    writer.raw(topicIdBytes(topicId)).compactArray(partitions, ({ partition, offset, maxBytes, lastEpoch }) => {
      writer
        .int32(partition)
        .int32(unknownEpoch)
        .int64(offset)
        .int32(lastEpoch ?? unknownEpoch);
      writer.int64(unknownLogStart).int32(maxBytes).noTags();
    });
    writer.noTags();
  });
  // Nothing to forget: that is for sessions.
  return writer
    .compactArray([], () => undefined)
    .compactString(options.rackId)
    .noTags()
    .finish();
}

/** @throws MalformedBytes */
export function decodeFetch(bytes: Buffer): FetchResponse {
  const reader = new ByteReader(bytes);
  reader.tags();
  const throttleMs = reader.int32();
  const errorCode = reader.int16();
  reader.skip(4);
  const partitions = reader.compactArray((topicReader) => {
    const topicId = readTopicId(topicReader);
    const read = topicReader.compactArray((partitionReader) => readPartition(partitionReader, topicId));
    topicReader.tags();
    return read;
  });
  reader.tags();
  return { throttleMs, errorCode, partitions: partitions.flat() };
}

function readPartition(reader: ByteReader, topicId: string): FetchedPartition {
  const fetched: FetchedPartition = {
    topicId,
    partition: reader.int32(),
    errorCode: reader.int16(),
    highWatermark: reader.int64(),
    lastStable: reader.int64(),
    logStart: reader.int64(),
    aborted: reader.compactArray(readAborted),
    preferredReplica: reader.int32(),
    records: reader.compactNullableBytes() ?? noBytes,
  };
  reader.tags((tag, field) => {
    if (tag !== divergingEpochTag) return;
    field.skip(epochBytes);
    fetched.divergesAt = field.int64();
  });
  return fetched;
}

function readAborted(reader: ByteReader): AbortedTransaction {
  const transaction = { producerId: reader.int64(), firstOffset: reader.int64() };
  reader.tags();
  return transaction;
}
