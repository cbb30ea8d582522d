import { Wheel } from './wheel';

describe(Wheel.name, () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  function wheel() {
    const beats: number[] = [];
    let steps = 0;
    const made = new Wheel(10, 100, { onStep: () => steps++, now: Date.now });
    const spokes = Array.from({ length: 20 }, (_, n) => ({ beat: () => void beats.push(n) }));
    return { made, beats, spokes, steps: () => steps };
  }

  it('beats each spoke once per turn, spread over it', () => {
    const { made, beats, spokes } = wheel();
    for (const spoke of spokes) made.add(spoke);
    jest.advanceTimersByTime(10);
    expect(beats).toHaveLength(2);
    jest.advanceTimersByTime(90);
    expect([...beats].sort((a, b) => a - b)).toEqual(spokes.map((_, n) => n));
    for (const spoke of spokes) made.remove(spoke);
  });

  it('stands still while it is empty', () => {
    const { made, spokes, steps } = wheel();
    const [spoke] = spokes as [(typeof spokes)[0]];
    made.add(spoke);
    made.remove(spoke);
    expect(jest.getTimerCount()).toBe(0);
    jest.advanceTimersByTime(100);
    expect(steps()).toBe(0);
  });
});
