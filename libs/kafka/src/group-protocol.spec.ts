import fc from 'fast-check';
import { ByteReader } from './byte-reader';
import { ByteWriter } from './byte-writer';
import { MalformedBytes } from './errors';
import {
  decodeCoordinator,
  decodeDeleteGroup,
  decodeLeaveGroup,
  decodeOffsetCommit,
  decodeOffsetFetch,
  offsetCommitRequest,
} from './group-protocol';

const beyondDoubles = 2n ** 53n + 1n;

function fetchAnswer(): Buffer {
  const writer = new ByteWriter().int32(3);
  writer.array(['t'], (topic) => {
    writer.string(topic).array([0, 1], (partition) => {
      writer.int32(partition).int64(partition === 0 ? beyondDoubles : -1n);
      writer.int32(-1);
      if (partition === 0) writer.string('id');
      else writer.int16(-1);
      writer.int16(partition);
    });
  });
  return writer.int16(0).finish();
}

function commitAnswer(): Buffer {
  const writer = new ByteWriter().int32(0);
  writer.array(['t'], (topic) => writer.string(topic).array([4], (partition) => writer.int32(partition).int16(25)));
  return writer.finish();
}

const coordinatorAnswer = new ByteWriter().int32(0).int16(15).int16(-1).int32(2).finish();

const leaveAnswer = new ByteWriter().int32(0).int16(25).finish();
const deleteAnswer = new ByteWriter().int32(0).int32(1).string('g').int16(68).finish();

const decoders = [
  ['coordinator', decodeCoordinator, coordinatorAnswer],
  ['offset commit', decodeOffsetCommit, commitAnswer()],
  ['offset fetch', decodeOffsetFetch, fetchAnswer()],
  ['leave', decodeLeaveGroup, leaveAnswer],
  ['delete', decodeDeleteGroup, deleteAnswer],
] as const;

describe('the protocol of group offsets', () => {
  it('commits as nobody: no member, no generation, every digit of an offset', () => {
    const { body } = offsetCommitRequest('g', 't', [{ partition: 4, offset: beyondDoubles, metadata: 'id' }]);
    const reader = new ByteReader(body);
    expect([reader.string(), reader.int32(), reader.string(), reader.nullableString()]).toEqual(['g', -1, '', null]);
    const topics = reader.array((topic) => [
      topic.string(),
      topic.array((each) => [each.int32(), each.int64(), each.int32(), each.string()]),
    ]);
    expect(topics).toEqual([['t', [[4, beyondDoubles, -1, 'id']]]]);
    expect(reader.left).toBe(0);
  });

  it('reads answers', () => {
    expect(decodeCoordinator(coordinatorAnswer)).toEqual({ throttleMs: 0, errorCode: 15, nodeId: 2 });
    expect(decodeLeaveGroup(leaveAnswer)).toEqual({ throttleMs: 0, errorCode: 25 });
    expect(decodeDeleteGroup(deleteAnswer)).toEqual({ throttleMs: 0, errorCode: 68 });
    expect(decodeOffsetCommit(commitAnswer()).partitions).toEqual([{ partition: 4, errorCode: 25 }]);
    expect(decodeOffsetFetch(fetchAnswer())).toEqual({
      throttleMs: 3,
      errorCode: 0,
      offsets: [
        { topic: 't', partition: 0, offset: beyondDoubles, metadata: 'id', errorCode: 0 },
        { topic: 't', partition: 1, offset: -1n, metadata: '', errorCode: 1 },
      ],
    });
  });

  it.each(decoders)('refuses a cut %s answer, and throws nothing but MalformedBytes', (_, decode, answer) => {
    for (let length = 0; length < answer.length; length += 1) {
      expect(() => decode(answer.subarray(0, length))).toThrow(MalformedBytes);
    }
    fc.assert(
      fc.property(fc.nat({ max: answer.length - 1 }), fc.nat({ max: 255 }), (at, byte) => {
        const changed = Buffer.from(answer);
        changed[at] = byte;
        try {
          decode(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedBytes);
        }
      }),
    );
  });
});
