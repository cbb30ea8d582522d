import { AppError } from '@tidegate/errors';
import { randomBytes } from 'node:crypto';
import type { SourcePosition } from './cursor';
import { DurableHold, messageOf, type DurableHoldOptions, type DurableSource } from './durable-hold';

/** What all of them share. */
export type DurablesOptions = Omit<DurableHoldOptions, 'group' | 'stream' | 'sources' | 'holder'>;

/** The durable subscriptions that this process holds. */
export class Durables {
  private readonly holds = new Map<string, DurableHold>();
  private readonly releasing = new Set<Promise<void>>();
  /** Those of one group take their turns, so that a newcomer finds what the one before has committed. */
  private readonly turns = new Map<string, Promise<unknown>>();
  private readonly process = randomBytes(9).toString('base64url');
  private taken = 0;

  constructor(private readonly options: DurablesOptions) {}

  /** Takes it, from whoever has it. @throws AppError `unavailable` */
  take(group: string, stream: string, sources: () => readonly DurableSource[]): Promise<DurableHold> {
    return this.inTurn(group, async () => {
      const before = this.holds.get(group);
      before?.lose('taken');
      // What was acknowledged to it is committed first.
      if (before !== undefined) await this.release(before);
      const hold = this.hold(group, stream, sources);
      await this.options.leases.take(group, hold.holder);
      this.holds.set(group, hold);
      hold.start();
      return hold;
    });
  }

  /** Moves a position that nobody in this process follows, or somebody does. @throws AppError `unavailable` */
  ack(
    group: string,
    stream: string,
    sources: () => readonly DurableSource[],
    position: readonly SourcePosition[],
  ): Promise<void> {
    return this.inTurn(group, async () => {
      const held = this.holds.get(group);
      if (held !== undefined) return held.ack(position);
      const hold = this.hold(group, stream, sources);
      const { leases } = this.options;
      if (!(await leases.takeIfFree(group, hold.holder))) return leases.leave(group, messageOf(position));
      this.holds.set(group, hold);
      hold.ack(position);
      hold.start();
      hold.turn();
      // Kept for a while, so that whoever acknowledges one row after the other does not make as many commits.
      setTimeout(() => void this.release(hold), 2 * this.options.commitMs).unref();
    });
  }

  /** Commits and gives back. */
  release(hold: DurableHold): Promise<void> {
    const releasing = hold.release().finally(() => {
      this.releasing.delete(releasing);
      if (this.holds.get(hold.group) === hold) this.holds.delete(hold.group);
    });
    this.releasing.add(releasing);
    return releasing;
  }

  async close(): Promise<void> {
    await Promise.all([...this.holds.values()].map((hold) => this.release(hold)));
    await Promise.all(this.releasing);
  }

  private hold(group: string, stream: string, sources: () => readonly DurableSource[]): DurableHold {
    const holder = `${this.process}-${++this.taken}`;
    return new DurableHold({ ...this.options, group, stream, sources, holder });
  }

  private async inTurn<T>(group: string, work: () => Promise<T>): Promise<T> {
    const before = this.turns.get(group) ?? Promise.resolve();
    const turn = before.then(work, work);
    const settled = turn.catch(() => undefined);
    this.turns.set(group, settled);
    try {
      return await turn;
    } finally {
      if (this.turns.get(group) === settled) this.turns.delete(group);
    }
  }
}

/** What asks for a durable subscription where none can be had. */
export function notDurable(): AppError {
  return new AppError('unprocessable', 'Durable subscriptions are not offered here; leave sub out.');
}
