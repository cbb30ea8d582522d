import { ByteReader } from './byte-reader';
import { ByteWriter } from './byte-writer';
import type { KafkaRequest } from './kafkajs-internals';

export interface CoordinatorResponse {
  throttleMs: number;
  errorCode: number;
  nodeId: number;
}

export interface GroupOffset {
  partition: number;
  offset: bigint;
  metadata?: string;
}

export interface OffsetCommitResponse {
  throttleMs: number;
  partitions: { partition: number; errorCode: number }[];
}

export interface FetchedGroupOffset {
  topic: string;
  partition: number;
  /** −1 when nothing was committed. */
  offset: bigint;
  metadata: string;
  errorCode: number;
}

export interface OffsetFetchResponse {
  throttleMs: number;
  errorCode: number;
  offsets: FetchedGroupOffset[];
}

export interface GroupResponse {
  throttleMs: number;
  errorCode: number;
}

const groupKey = 0;
const allTopics = -1;
const noGeneration = -1;
const noMember = '';
const noInstance = -1;
const unknownEpoch = -1;

/** FindCoordinator version 1: which broker keeps a group's offsets. */
export function coordinatorRequest(groupId: string): KafkaRequest<CoordinatorResponse> {
  const body = new ByteWriter().string(groupId).int8(groupKey).finish();
  return { apiKey: 10, apiVersion: 1, apiName: 'FindCoordinator', body, decode: decodeCoordinator };
}

/** @throws MalformedBytes */
export function decodeCoordinator(bytes: Buffer): CoordinatorResponse {
  const reader = new ByteReader(bytes);
  const throttleMs = reader.int32();
  const errorCode = reader.int16();
  reader.nullableString();
  return { throttleMs, errorCode, nodeId: reader.int32() };
}

/** OffsetCommit version 7, of no member and no generation: for a group that nobody has joined. */
export function offsetCommitRequest(
  groupId: string,
  topic: string,
  offsets: readonly GroupOffset[],
): KafkaRequest<OffsetCommitResponse> {
  const writer = new ByteWriter().string(groupId).int32(noGeneration).string(noMember).int16(noInstance);
  writer.array([topic], (name) => {
    writer.string(name).array(offsets, ({ partition, offset, metadata = '' }) => {
      writer.int32(partition).int64(offset).int32(unknownEpoch).string(metadata);
    });
  });
  return { apiKey: 8, apiVersion: 7, apiName: 'OffsetCommit', body: writer.finish(), decode: decodeOffsetCommit };
}

/** @throws MalformedBytes */
export function decodeOffsetCommit(bytes: Buffer): OffsetCommitResponse {
  const reader = new ByteReader(bytes);
  const throttleMs = reader.int32();
  const partitions = reader.array((topicReader) => {
    topicReader.string();
    return topicReader.array((each) => ({ partition: each.int32(), errorCode: each.int16() }));
  });
  return { throttleMs, partitions: partitions.flat() };
}

/** OffsetFetch version 5, of every topic that the group has committed. */
export function offsetFetchRequest(groupId: string): KafkaRequest<OffsetFetchResponse> {
  const body = new ByteWriter().string(groupId).int32(allTopics).finish();
  return { apiKey: 9, apiVersion: 5, apiName: 'OffsetFetch', body, decode: decodeOffsetFetch };
}

/** @throws MalformedBytes */
export function decodeOffsetFetch(bytes: Buffer): OffsetFetchResponse {
  const reader = new ByteReader(bytes);
  const throttleMs = reader.int32();
  const offsets = reader.array((topicReader) => {
    const topic = topicReader.string();
    return topicReader.array((partitionReader) => readOffset(partitionReader, topic));
  });
  return { throttleMs, errorCode: reader.int16(), offsets: offsets.flat() };
}

function readOffset(reader: ByteReader, topic: string): FetchedGroupOffset {
  const partition = reader.int32();
  const offset = reader.int64();
  reader.skip(4);
  const metadata = reader.nullableString() ?? '';
  return { topic, partition, offset, metadata, errorCode: reader.int16() };
}

/** LeaveGroup version 1, in the name of a member. */
export function leaveGroupRequest(groupId: string, memberId: string): KafkaRequest<GroupResponse> {
  const body = new ByteWriter().string(groupId).string(memberId).finish();
  return { apiKey: 13, apiVersion: 1, apiName: 'LeaveGroup', body, decode: decodeLeaveGroup };
}

/** @throws MalformedBytes */
export function decodeLeaveGroup(bytes: Buffer): GroupResponse {
  const reader = new ByteReader(bytes);
  return { throttleMs: reader.int32(), errorCode: reader.int16() };
}

/** DeleteGroups version 1, of one group. */
export function deleteGroupRequest(groupId: string): KafkaRequest<GroupResponse> {
  const body = new ByteWriter().int32(1).string(groupId).finish();
  return { apiKey: 42, apiVersion: 1, apiName: 'DeleteGroups', body, decode: decodeDeleteGroup };
}

/** @throws MalformedBytes */
export function decodeDeleteGroup(bytes: Buffer): GroupResponse {
  const reader = new ByteReader(bytes);
  const throttleMs = reader.int32();
  const errorCodes = reader.array((group) => {
    group.string();
    return group.int16();
  });
  return { throttleMs, errorCode: errorCodes[0] ?? 0 };
}
