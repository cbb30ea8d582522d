import { ByteReader } from './byte-reader';
import { ByteWriter } from './byte-writer';
import type { KafkaRequest } from './kafkajs-internals';

/** Where in the log: a time in milliseconds, or one of the protocol's two names for an end. */
export const logEnds = { earliest: -2n, latest: -1n } as const;

interface ListedOffset {
  partition: number;
  errorCode: number;
  /** −1 when no record is as young as the asked time. */
  offset: bigint;
}

export interface ListOffsetsResponse {
  throttleMs: number;
  partitions: ListedOffset[];
}

export interface ListOffsetsQuery {
  topic: string;
  partitions: readonly number[];
  at: bigint;
  /** Committed: the end is where the first open transaction starts; else the high watermark. */
  committed: boolean;
}

const consumerReplica = -1;
const unknownEpoch = -1;

/** ListOffsets version 4, of partitions that one broker leads. */
export function listOffsetsRequest(query: ListOffsetsQuery): KafkaRequest<ListOffsetsResponse> {
  return { apiKey: 2, apiVersion: 4, apiName: 'ListOffsets', body: encode(query), decode: decodeListOffsets };
}

function encode({ topic, partitions, at, committed }: ListOffsetsQuery): Buffer {
  const writer = new ByteWriter().int32(consumerReplica).int8(committed ? 1 : 0);
  writer.array([topic], (name) => {
    writer.string(name).array(partitions, (partition) => writer.int32(partition).int32(unknownEpoch).int64(at));
  });
  return writer.finish();
}

/** @throws MalformedBytes */
export function decodeListOffsets(bytes: Buffer): ListOffsetsResponse {
  const reader = new ByteReader(bytes);
  const throttleMs = reader.int32();
  const partitions = reader.array((topicReader) => {
    topicReader.string();
    return topicReader.array(readPartition);
  });
  return { throttleMs, partitions: partitions.flat() };
}

function readPartition(reader: ByteReader): ListedOffset {
  const partition = reader.int32();
  const errorCode = reader.int16();
  reader.skip(8);
  const offset = reader.int64();
  reader.skip(4);
  return { partition, errorCode, offset };
}
