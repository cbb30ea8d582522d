import type { Benchmark, BenchmarkOptions } from './harness/benchmark.ts';
import { BenchHouse } from './streams/bench-house.ts';
import { measureFanOut } from './streams/fan-out.ts';
import { measureIdle } from './streams/idle.ts';

export const benchmark: Benchmark = {
  about: 'WebSocket and SSE at the doors of web, with real tokens and policy (6 minutes, --quick 4)',
  run: measure,
};

async function measure(options: BenchmarkOptions) {
  const house = await BenchHouse.start();
  const rows = [];
  for (const part of [measureFanOut, measureIdle]) rows.push(...(await part(house, options)));
  await house.stop();
  return rows;
}
