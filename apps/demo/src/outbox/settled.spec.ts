import fc from 'fast-check';
import { settledIds, type KeyedRow } from './settled';

const row = (id: string, key: string, topic = 't'): KeyedRow => ({ id, topic, key });

describe('settledIds()', () => {
  it('keeps a failed row and all rows of its key behind it', () => {
    const rows = [row('1', 'a'), row('2', 'b'), row('3', 'a'), row('4', 'a'), row('5', 'b')];
    expect(settledIds(rows, [true, true, false, true, true])).toEqual(['1', '2', '5']);
  });

  it('keeps keys of different topics apart', () => {
    expect(settledIds([row('1', 'a', 'x'), row('2', 'a', 'y')], [false, true])).toEqual(['2']);
  });

  it('never settles a row behind a failed one of its key, and settles everything when nothing failed', () => {
    const outcome = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.boolean());
    fc.assert(
      fc.property(fc.array(outcome), (outcomes) => {
        const rows = outcomes.map(([key], index) => row(String(index), key));
        const settled = new Set(
          settledIds(
            rows,
            outcomes.map(([, acknowledged]) => acknowledged),
          ),
        );
        outcomes.forEach(([key], index) => {
          const clean = outcomes.slice(0, index + 1).every(([other, acknowledged]) => other !== key || acknowledged);
          expect(settled.has(String(index))).toBe(clean);
        });
      }),
    );
  });
});
