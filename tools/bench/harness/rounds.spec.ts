import { Measured, playRounds, type Report } from './rounds.ts';
import { compare } from './rows.ts';

const measured = (values: number[], others = 0): Measured =>
  new Measured(values.map((value) => ({ report: { figure: value }, others })));

describe('playRounds()', () => {
  it('plays every side once a round, in turn, and gives the median of each', async () => {
    const played: string[] = [];
    const side = (name: string, values: number[]) => (): Promise<Report> => {
      played.push(name);
      return Promise.resolve({ figure: values.shift() ?? NaN });
    };
    const sides = { ours: side('ours', [5, 100, 7]), rival: side('rival', [1, 2, 3]) };
    const { ours, rival } = await playRounds(sides, { rounds: 3, say: () => undefined });
    expect(played).toEqual(['ours', 'rival', 'ours', 'rival', 'ours', 'rival']);
    expect([ours.median('figure'), rival.median('figure')]).toEqual([7, 2]);
    expect(() => ours.median('another')).toThrow('did not report another');
  });
});

describe('compare()', () => {
  const row = { work: 'w', unit: 'u', figure: 'figure', rivalName: 'r' };

  it('says how many times better ours is, whichever way is better', () => {
    const sides = { ours: measured([3, 4, 5]), rival: measured([1, 2, 3]) };
    expect(compare({ ...row, ...sides, better: 'more' })).toMatchObject({ ours: 4, rival: 2, ratio: 2 });
    expect(compare({ ...row, ...sides, better: 'less' })).toMatchObject({ ours: 4, rival: 2, ratio: 0.5 });
  });

  it('marks a row when others used the machine during either side', () => {
    const busy = measured([1, 1, 1], 0.2);
    expect(compare({ ...row, ours: measured([1, 1, 1]), rival: busy, better: 'more' })).toMatchObject({ noisy: true });
    expect(compare({ ...row, ours: measured([1]), rival: measured([1]), better: 'more' })).not.toHaveProperty('noisy');
  });
});
