/** Time and processor time of this process since it was made. */
export class Stopwatch {
  private readonly atMs = performance.now();
  private readonly cpu = process.cpuUsage();

  get seconds(): number {
    return (performance.now() - this.atMs) / 1000;
  }

  get cpuSeconds(): number {
    const { user, system } = process.cpuUsage(this.cpu);
    return (user + system) / 1e6;
  }

  /** As both sides report it. */
  rates(records: number): { recordsPerSecond: number; cpuSecondsPerMillion: number } {
    return { recordsPerSecond: records / this.seconds, cpuSecondsPerMillion: (this.cpuSeconds * 1e6) / records };
  }
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
