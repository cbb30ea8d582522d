const burstSeconds = 2;

/** A token bucket that holds two seconds' worth. What is larger than the bucket passes when it is full. */
export class RateBucket {
  private tokens: number;

  constructor(
    private readonly perSecond: number,
    private atMs: number,
  ) {
    this.tokens = perSecond * burstSeconds;
  }

  /** Milliseconds until `amount` may pass; 0 now. */
  wait(amount: number, nowMs: number): number {
    const size = this.perSecond * burstSeconds;
    this.tokens = Math.min(size, this.tokens + (Math.max(nowMs - this.atMs, 0) * this.perSecond) / 1_000);
    this.atMs = nowMs;
    const missing = Math.min(amount, size) - this.tokens;
    return missing <= 0 ? 0 : Math.ceil((missing * 1_000) / this.perSecond);
  }

  take(amount: number): void {
    this.tokens -= amount;
  }
}
