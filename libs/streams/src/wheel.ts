/** What a wheel looks after. */
export interface Spoke {
  /** Once per turn of the wheel. */
  beat(nowMs: number): void;
}

/** One timer for all sessions: each beats once per turn, spread evenly over it. It stands still while it is empty. */
export class Wheel {
  private readonly slots: Set<Spoke>[];
  private readonly slotOf = new Map<Spoke, Set<Spoke>>();
  private timer: NodeJS.Timeout | undefined;
  private next = 0;
  private at = 0;

  constructor(
    private readonly stepMs: number,
    turnMs: number,
    private readonly options: { onStep: (nowMs: number) => void; now: () => number },
  ) {
    this.slots = Array.from({ length: Math.max(1, Math.round(turnMs / stepMs)) }, () => new Set<Spoke>());
  }

  add(spoke: Spoke): void {
    const slot = this.slots[this.next++ % this.slots.length];
    if (slot === undefined) return;
    slot.add(spoke);
    this.slotOf.set(spoke, slot);
    this.timer ??= setInterval(() => this.step(), this.stepMs).unref();
  }

  remove(spoke: Spoke): void {
    this.slotOf.get(spoke)?.delete(spoke);
    this.slotOf.delete(spoke);
    if (this.slotOf.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private step(): void {
    const nowMs = this.options.now();
    for (const spoke of this.slots[this.at++ % this.slots.length] ?? []) spoke.beat(nowMs);
    this.options.onStep(nowMs);
  }
}
