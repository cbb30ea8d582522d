import { ChangeHistory } from './change-history';

const place = (partition: number, offset: bigint) => ({ topic: 't', partition, offset });
const row = { orderId: 'a' };

describe(ChangeHistory.name, () => {
  it('gives what a reader has not seen of each partition, the oldest first', () => {
    const history = new ChangeHistory(1e6);
    history.openAt(place(0, 5n));
    history.openAt(place(1, 0n));
    history.add(place(0, 5n), { seq: 1, key: 'a', before: undefined }, 0);
    history.add(place(1, 0n), { seq: 2, key: 'b', before: row }, 100);
    history.add(place(0, 7n), { seq: 3, key: 'a', before: row }, 100);
    const seqs = (...offsets: bigint[]) =>
      history.since(offsets.map((offset, partition) => place(partition, offset)))?.map(({ seq }) => seq);
    expect(seqs(5n, 0n)).toEqual([1, 2, 3]);
    expect(seqs(6n, 0n)).toEqual([2, 3]);
    expect(seqs(6n, 1n)).toEqual([3]);
    expect(seqs(8n, 9n)).toEqual([]);
    expect(seqs(4n, 0n)).toBeUndefined();
    expect(seqs(6n, 1n, 0n)).toBeUndefined();
  });

  it('forgets the oldest beyond its bytes, and knows what it has forgotten', () => {
    const history = new ChangeHistory(1_000);
    history.openAt(place(0, 0n));
    for (let n = 0; n < 10; n++) {
      history.add(place(0, BigInt(n)), { seq: n, key: `${n}`, before: row }, 40);
      history.addDelete(place(0, BigInt(n)), row);
    }
    expect(history.bytes).toBeLessThanOrEqual(1_000);
    expect(history.since([place(0, 4n)])).toBeUndefined();
    expect(history.since([place(0, 5n)])?.map(({ seq }) => seq)).toEqual([5, 6, 7, 8, 9]);
    expect([history.deletedBy(place(0, 4n)), history.deletedBy(place(0, 5n))]).toEqual([undefined, row]);
  });
});
