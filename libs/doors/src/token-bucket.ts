/** So many messages a second on average, a burst at once. */
export class TokenBucket {
  private level: number;
  private atMs: number;

  constructor(
    private readonly perSecond: number,
    private readonly burst: number,
    nowMs: number,
  ) {
    this.level = burst;
    this.atMs = nowMs;
  }

  take(nowMs: number): boolean {
    this.level = Math.min(this.burst, this.level + ((nowMs - this.atMs) / 1000) * this.perSecond);
    this.atMs = nowMs;
    if (this.level < 1) return false;
    this.level--;
    return true;
  }
}
