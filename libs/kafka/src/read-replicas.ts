interface Choice {
  nodeId: number;
  untilMs: number;
}

/** As long as Java's consumer keeps to a replica before it asks the leader again. */
const keepMs = 300_000;

/** Which node to read a partition from: its leader, or a replica nearby that the leader named (KIP-392). */
export class ReadReplicas {
  private readonly choices = new Map<string, Choice>();

  nodeFor(topic: string, partition: number, leader: number): number {
    const key = `${topic}/${partition}`;
    const choice = this.choices.get(key);
    if (!choice) return leader;
    if (choice.untilMs > Date.now()) return choice.nodeId;
    this.choices.delete(key);
    return leader;
  }

  prefer(topic: string, partition: number, nodeId: number): void {
    this.choices.set(`${topic}/${partition}`, { nodeId, untilMs: Date.now() + keepMs });
  }

  /** Back to the leader. True when a replica had been preferred. */
  forget(topic: string, partition: number): boolean {
    return this.choices.delete(`${topic}/${partition}`);
  }
}
