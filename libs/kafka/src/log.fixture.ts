import { ByteReader } from './byte-reader';
import { ByteWriter } from './byte-writer';
import type { FetchedPartition } from './fetch';
import { logEnds } from './list-offsets';
import { topicIdBytes } from './metadata';

/** Answers a question for the start or the end of partition 0 of topic `t`. */
export function offsetsAnswer(asked: Buffer, start: bigint, end: bigint): Buffer {
  const reader = new ByteReader(asked);
  reader.skip(4 + 1 + 4);
  reader.string();
  reader.skip(4 + 4 + 4);
  const offset = reader.int64() === logEnds.earliest ? start : end;
  const writer = new ByteWriter().int32(0).int32(1).string('t').int32(1);
  return writer.int32(0).int16(0).int64(-1n).int64(offset).int32(0).finish();
}

/** Answers a fetch of partition 0 of the topic with the id that the fake broker's metadata has. */
export function fetchAnswer(fetched: Partial<FetchedPartition>): Buffer {
  const { records = Buffer.alloc(0), highWatermark = 0n, divergesAt } = fetched;
  const writer = new ByteWriter().noTags().int32(0).int16(0).int32(0);
  writer.compactArray([Buffer.alloc(16).toString('base64url')], (topicId) => {
    writer.raw(topicIdBytes(topicId)).compactArray([0], (partition) => {
      writer.int32(partition).int16(0).int64(highWatermark).int64(highWatermark).int64(0n);
      writer
        .compactArray([], () => undefined)
        .int32(-1)
        .uvarint(records.length + 1)
        .raw(records);
      if (divergesAt === undefined) return void writer.noTags();
      writer.uvarint(1).uvarint(0).uvarint(13).int32(1).int64(divergesAt).noTags();
    });
    writer.noTags();
  });
  return writer.noTags().finish();
}

/** What a fetch asks for: its limit and where partition 0 is read from. */
export function readFetch(asked: Buffer): { maxBytes: number; offset: bigint } {
  const reader = new ByteReader(asked);
  reader.tags();
  reader.skip(4 + 4 + 4);
  const maxBytes = reader.int32();
  reader.skip(1 + 4 + 4);
  const offsets = reader.compactArray((topic) => {
    topic.skip(16);
    return topic.compactArray((partition) => {
      partition.skip(4 + 4);
      const offset = partition.int64();
      partition.skip(4 + 8 + 4);
      partition.tags();
      return offset;
    });
  });
  return { maxBytes, offset: offsets[0]?.[0] ?? -1n };
}
