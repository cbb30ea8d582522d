import { closeCodes } from '@tidegate/contracts';
import { errorCodes } from '@tidegate/errors';
import { closeCodeOf, frameOutcomeOf } from './door-codes';

describe('the codes of the doors', () => {
  it('say of every error what it does to an open WebSocket', () => {
    expect(Object.keys(frameOutcomeOf).sort()).toEqual([...errorCodes].sort());
    for (const outcome of Object.values(frameOutcomeOf)) {
      expect(outcome === 'bad' || outcome === 'refused' || outcome in closeCodeOf).toBe(true);
    }
  });

  it('close with codes of the contract, a different one for each reason', () => {
    const used = Object.values(closeCodeOf);
    expect(new Set(used).size).toBe(used.length);
    expect(Object.values(closeCodes)).toEqual(expect.arrayContaining(used));
  });
});
