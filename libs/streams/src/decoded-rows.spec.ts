import { DecodedRows } from './row-decoder';
import { sizeOf, type StreamRecord } from './stream-record';

const record = (): StreamRecord => ({
  ...{ topic: 't', partition: 0, offset: 0n, timestampMs: 0 },
  ...{ key: null, value: Buffer.alloc(10), owner: undefined, via: 'tail', decoded: undefined, reported: false },
});
const decoded = () => ({ decoder: {}, rows: [{ row: {}, text: undefined }] });

describe(DecodedRows.name, () => {
  it('keeps what was decoded last and forgets the oldest beyond its bytes', () => {
    const [first, second, third] = [record(), record(), record()];
    const rows = new DecodedRows(2 * sizeOf(first));
    for (const each of [first, second]) rows.add(each, decoded());
    expect([first.decoded, second.decoded].includes(undefined)).toBe(false);
    rows.add(third, decoded());
    expect([first.decoded === undefined, second.decoded === undefined]).toEqual([true, false]);
  });

  // A page of 1,000 transactions answered 500: forgetting the rows that one stream had made of a record took away those
  // that another stream over the same topic was making of it at that moment.
  it('forgets the rows of one reader without those that another made of the same record since', () => {
    const shared = record();
    const rows = new DecodedRows(sizeOf(shared));
    const [before, since] = [decoded(), decoded()];
    rows.add(shared, before);
    rows.add(shared, since);
    expect(shared.decoded).toBe(since);
  });
});
