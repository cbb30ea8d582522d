import { orderStatuses } from '@tidegate/contracts';
import { assertNext, nextStatus } from './status';

describe('nextStatus()', () => {
  it('goes through all steps and ends', () => {
    expect(orderStatuses.map(nextStatus)).toEqual(['paid', 'picked', 'shipped', 'delivered', undefined]);
  });
});

describe('assertNext()', () => {
  it.each(orderStatuses.flatMap((from) => orderStatuses.map((to) => [from, to] as const)))(
    'judges the step from %s to %s',
    (from, to) => {
      const step = () => assertNext('7', from, to);
      if (nextStatus(from) === to) expect(step).not.toThrow();
      else expect(step).toThrow(expect.objectContaining({ code: 'conflict' }) as Error);
    },
  );

  it('names the step that would do', () => {
    expect(() => assertNext('7', 'paid', 'delivered')).toThrow('Order 7 is paid: the next step is picked.');
    expect(() => assertNext('7', 'delivered', 'placed')).toThrow('nothing comes after it');
  });
});
