import { ByteReader } from './byte-reader';
import { ByteWriter } from './byte-writer';
import type { KafkaRequest } from './kafkajs-internals';

export interface BrokerAddress {
  nodeId: number;
  host: string;
  port: number;
}

export interface PartitionMetadata {
  partition: number;
  errorCode: number;
  /** −1 while an election is on. */
  leader: number;
}

export interface TopicMetadata {
  errorCode: number;
  name: string;
  /** base64url, as Kafka's tools print it; another one after the topic was deleted and made again. */
  topicId: string;
  partitions: PartitionMetadata[];
  /** One of Kafka's own. */
  internal?: boolean;
}

export interface ClusterMetadata {
  throttleMs: number;
  brokers: BrokerAddress[];
  topics: TopicMetadata[];
}

const topicIdSize = 16;
const anyTopicId = Buffer.alloc(topicIdSize);

/** Metadata version 12: the first by which topics have ids here. Never creates a topic. */
export function metadataRequest(topics: readonly string[] | 'all'): KafkaRequest<ClusterMetadata> {
  return { apiKey: 3, apiVersion: 12, apiName: 'Metadata', body: encodeMetadata(topics), decode: decodeMetadata };
}

export function encodeMetadata(topics: readonly string[] | 'all'): Buffer {
  const writer = new ByteWriter().noTags();
  if (topics === 'all') writer.uvarint(0);
  else writer.compactArray(topics, (topic) => writer.raw(anyTopicId).compactString(topic).noTags());
  return writer.int8(0).int8(0).noTags().finish();
}

/** @throws MalformedBytes */
export function decodeMetadata(bytes: Buffer): ClusterMetadata {
  const reader = new ByteReader(bytes);
  reader.tags();
  const throttleMs = reader.int32();
  const brokers = reader.compactArray(readBroker);
  reader.compactNullableString();
  reader.skip(4);
  const topics = reader.compactArray(readTopic);
  return { throttleMs, brokers, topics };
}

function readBroker(reader: ByteReader): BrokerAddress {
  const broker = { nodeId: reader.int32(), host: reader.compactString(), port: reader.int32() };
  reader.compactNullableString();
  reader.tags();
  return broker;
}

function readTopic(reader: ByteReader): TopicMetadata {
  const errorCode = reader.int16();
  const name = reader.compactNullableString() ?? '';
  const topicId = readTopicId(reader);
  const internal = reader.int8() !== 0;
  const partitions = reader.compactArray(readPartition).sort((a, b) => a.partition - b.partition);
  reader.skip(4);
  reader.tags();
  return { errorCode, name, topicId, partitions, ...(internal && { internal }) };
}

function readPartition(reader: ByteReader): PartitionMetadata {
  const partition = { errorCode: reader.int16(), partition: reader.int32(), leader: reader.int32() };
  reader.skip(4);
  for (let list = 0; list < 3; list += 1) reader.compactArray((each) => each.int32());
  reader.tags();
  return partition;
}

export function readTopicId(reader: ByteReader): string {
  return reader.take(topicIdSize).toString('base64url');
}

export function topicIdBytes(topicId: string): Buffer {
  const bytes = Buffer.from(topicId, 'base64url');
  if (bytes.length !== topicIdSize) throw new TypeError(`${JSON.stringify(topicId)} is no topic id`);
  return bytes;
}
