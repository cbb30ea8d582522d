import { murmur2, partitionOfKey } from './partitioner';

describe('murmur2()', () => {
  // From Kafka's own UtilsTest.testMurmur2.
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('hashes %p as Java does', (key, hash) => {
    expect(murmur2(Buffer.from(key))).toBe(hash);
  });
});

describe('partitionOfKey()', () => {
  it('gives the partition of Java’s default partitioner', () => {
    expect(partitionOfKey(Buffer.from('abc'), 6)).toBe(479470107 % 6);
    expect(partitionOfKey(Buffer.from('21'), 6)).toBe((-973932308 & 0x7fffffff) % 6);
  });

  it('takes the empty key for a key', () => {
    expect(partitionOfKey(Buffer.alloc(0), 1_000)).toBe((murmur2(Buffer.alloc(0)) & 0x7fffffff) % 1_000);
  });
});
