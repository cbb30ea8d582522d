interface Waiting {
  release(): void;
}

/** How much of the process' memory may wait for Kafka, over all devices. */
export class Room {
  private bytes = 0;
  private readonly waiting = new Set<Waiting>();

  constructor(private readonly limitBytes: number) {}

  /** @returns false when there is none; then `release()` is called once there is, in the order of asking */
  has(connection: Waiting): boolean {
    if (this.bytes < this.limitBytes) return true;
    this.waiting.add(connection);
    return false;
  }

  take(bytes: number): void {
    this.bytes += bytes;
  }

  give(bytes: number): void {
    this.bytes -= bytes;
    if (this.waiting.size === 0) return;
    for (const connection of this.waiting) {
      if (this.bytes >= this.limitBytes) return;
      this.waiting.delete(connection);
      connection.release();
    }
  }

  forget(connection: Waiting): void {
    this.waiting.delete(connection);
  }
}
