import { errorCodes } from '@tidegate/errors';
import { settles, statusCodes, statusOf } from './status';

describe('statusCodes', () => {
  it('are those that devices know', () => {
    expect(Object.values(statusCodes)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  it('say every error', () => {
    expect(errorCodes.every((code) => statusOf(code) in statusCodes)).toBe(true);
  });

  it('ask for a frame again exactly when another try can succeed', () => {
    const asksAgain = Object.keys(statusCodes).filter((status) => !settles(status as keyof typeof statusCodes));
    expect(asksAgain).toEqual(expect.arrayContaining(['rateLimited', 'unavailable']));
    expect(
      ['malformed', 'forbidden', 'tooLarge', 'unsupported'].every((status) => settles(status as 'malformed')),
    ).toBe(true);
  });
});
