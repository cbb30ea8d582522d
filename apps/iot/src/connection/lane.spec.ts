import fc from 'fast-check';
import { Lane, type InFlight } from './lane';
import { isAfter, nextSeq } from './sequence';

const last = 0xffff_ffff;

describe('serial arithmetic', () => {
  it('wraps past the largest to 1', () => {
    expect(nextSeq(last)).toBe(1);
    expect(nextSeq(1)).toBe(2);
  });

  it.each([
    [2, 1, true],
    [1, 1, false],
    [1, 2, false],
    [1, last, true],
    [last, 1, false],
    [2 ** 31, 1, true],
    [2 ** 31 + 1, 1, false],
  ])('says whether %i is after %i', (seq, other, after) => {
    expect(isAfter(seq, other)).toBe(after);
  });
});

describe(Lane.name, () => {
  it('takes any first seq where nothing is known, and the next one where something is', () => {
    expect(new Lane().standing(40)).toBe('next');
    const lane = new Lane(40);
    expect([lane.standing(40), lane.standing(39), lane.standing(41), lane.standing(43)]).toEqual([
      ...['acked', 'acked', 'next', 'jump'],
    ]);
  });

  it('acknowledges up to where all is settled, whatever the order of outcomes', () => {
    const lane = new Lane();
    const [first, second, third] = [1, 2, 3].map((seq) => lane.admit(seq, 1)) as [InFlight, InFlight, InFlight];
    expect(lane.settle(third, 'written')).toBeUndefined();
    expect(lane.settle(first, 'written')).toBe(1);
    expect(lane.settle(second, 'written')).toBe(3);
    expect(lane.acked).toBe(3);
  });

  it('passes over what was refused, without an acknowledgement of its own', () => {
    const lane = new Lane();
    const [first, second] = [lane.admit(1, 1), lane.admit(2, 1)];
    expect(lane.settle(second, 'refused')).toBeUndefined();
    expect(lane.settle(first, 'written')).toBe(2);
    expect(lane.settle(lane.admit(3, 1), 'refused')).toBeUndefined();
    expect(lane.acked).toBe(3);
  });

  it('discards everything until a frame comes again that was not settled', () => {
    const lane = new Lane(1);
    lane.await(2);
    expect([lane.standing(3), lane.standing(1), lane.standing(2)]).toEqual(['discarded', 'acked', 'next']);
    lane.admit(2, 1);
    expect(lane.standing(3)).toBe('next');
  });

  it('withdraws a frame and all behind it, and keeps what is before', () => {
    const lane = new Lane();
    const [first, second, third] = [1, 2, 3].map((seq) => lane.admit(seq, 1)) as [InFlight, InFlight, InFlight];
    expect(lane.withdraw(second)).toEqual([second, third]);
    expect([lane.standing(4), lane.standing(3), lane.standing(2), lane.standing(1)]).toEqual([
      ...['discarded', 'discarded', 'next', 'discarded'],
    ]);
    expect(lane.settle(third, 'written')).toBeUndefined();
    expect(lane.settle(first, 'written')).toBe(1);
    expect(lane.withdraw(second)).toEqual([]);
  });

  it('knows a frame that is under way', () => {
    const lane = new Lane();
    lane.admit(1, 1);
    expect(lane.standing(1)).toBe('pending');
  });

  it('never acknowledges what is still open, over the end of the sequence too', () => {
    const steps = fc.array(fc.tuple(fc.constantFrom('admit', 'settle', 'refuse'), fc.nat(9)), { maxLength: 60 });
    fc.assert(
      fc.property(fc.integer({ min: last - 20, max: last }), steps, (start, actions) => {
        const lane = new Lane(start);
        const open: InFlight[] = [];
        let seq = start;
        for (const [action, pick] of actions) {
          if (action === 'admit') {
            seq = nextSeq(seq);
            expect(lane.standing(seq)).toBe('next');
            open.push(lane.admit(seq, 1));
          } else if (open.length > 0) {
            const [frame] = open.splice(pick % open.length, 1) as [InFlight];
            const upTo = lane.settle(frame, action === 'settle' ? 'written' : 'refused');
            if (upTo !== undefined) expect(open.every((one) => isAfter(one.seq, upTo))).toBe(true);
          }
        }
      }),
    );
  });
});
