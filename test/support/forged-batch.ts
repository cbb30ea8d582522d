/** Where the fields of a version 2 record batch stand (kafka.apache.org/documentation/#recordbatch). */
const at = { length: 8, magic: 16, crc: 17, attributes: 21, epoch: 51, sequence: 53 };
const lengthEnd = 12;

/** Moves epoch and sequence of the first batch in a Produce request ahead, under a right checksum. */
export function forgeSequence(frame: Buffer, ahead: { epoch: number; sequence: number | 'restart' }): void {
  const batch = firstBatch(frame);
  batch.writeInt16BE(batch.readInt16BE(at.epoch) + ahead.epoch, at.epoch);
  const sequence = ahead.sequence === 'restart' ? 0 : batch.readInt32BE(at.sequence) + ahead.sequence;
  batch.writeInt32BE(sequence, at.sequence);
  batch.writeUInt32BE(crc32c(batch.subarray(at.attributes)), at.crc);
}

/** What looks like a batch and carries the checksum of one. */
function firstBatch(frame: Buffer): Buffer {
  for (let start = 0; start + at.sequence < frame.length; start += 1) {
    const end = start + lengthEnd + frame.readInt32BE(start + at.length);
    if (frame[start + at.magic] !== 2 || end > frame.length) continue;
    const batch = frame.subarray(start, end);
    if (batch.length > at.sequence && crc32c(batch.subarray(at.attributes)) === batch.readUInt32BE(at.crc))
      return batch;
  }
  throw new Error('there is no batch in the request');
}

function crc32c(bytes: Buffer): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}
