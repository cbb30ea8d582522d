interface Choice {
  nodeId: number;
  untilMs: number;
}

/** As long as Java's consumer keeps to a replica before it asks the leader again. */
const keepMs = 300_000;
/** A replica that failed is named again by its leader for as long as nobody misses it: up to the session of a dead broker. */
const restMs = 10_000;

/** Which node to read a partition from: its leader, or a replica nearby that the leader named (KIP-392). */
export class ReadReplicas {
  private readonly choices = new Map<string, Choice>();
  private readonly restingUntilMs = new Map<string, number>();

  constructor(private readonly rackId: string) {}

  nodeFor(topic: string, partition: number, leader: number): number {
    const key = keyOf(topic, partition);
    const choice = this.choices.get(key);
    if (!choice) return leader;
    if (choice.untilMs > Date.now()) return choice.nodeId;
    this.choices.delete(key);
    return leader;
  }

  /** What a fetch of these says of our rack; empty while one of them is to be read from its leader, who else would send us away again. */
  rackFor(places: readonly { topic: string; partition: number }[]): string {
    if (this.restingUntilMs.size === 0) return this.rackId;
    return places.some(({ topic, partition }) => this.isResting(keyOf(topic, partition))) ? '' : this.rackId;
  }

  prefer(topic: string, partition: number, nodeId: number): void {
    this.choices.set(keyOf(topic, partition), { nodeId, untilMs: Date.now() + keepMs });
  }

  /** Back to the leader for a while. True when a replica had been preferred. */
  fail(topic: string, partition: number): boolean {
    const key = keyOf(topic, partition);
    const preferred = this.choices.delete(key);
    if (preferred) this.restingUntilMs.set(key, Date.now() + restMs);
    return preferred;
  }

  private isResting(key: string): boolean {
    const untilMs = this.restingUntilMs.get(key);
    if (untilMs === undefined) return false;
    if (untilMs > Date.now()) return true;
    this.restingUntilMs.delete(key);
    return false;
  }
}

function keyOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}
