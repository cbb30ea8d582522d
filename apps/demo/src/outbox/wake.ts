/** A sleeper that can be woken, also shortly before it falls asleep. */
export class Wake {
  private pending = false;
  private resolve: (() => void) | undefined;

  now(): void {
    this.pending = true;
    this.resolve?.();
  }

  /** Resolves when woken, or after `timeoutMs`. */
  async within(timeoutMs: number): Promise<void> {
    if (!this.pending) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.resolve = resolve;
        timer = setTimeout(resolve, timeoutMs);
      });
      clearTimeout(timer);
      this.resolve = undefined;
    }
    this.pending = false;
  }
}
