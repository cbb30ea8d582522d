export function partitionOfKey(_key: Buffer, _partitions: number): number {
  throw new Error('not written yet');
}
