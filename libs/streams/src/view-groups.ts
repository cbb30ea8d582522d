import type { LastValues } from './last-values';
import type { RowDecoder } from './row-decoder';
import type { GapReason } from './session-sink';
import type { Sight } from './sight';
import type { StreamSession } from './stream-session';
import { EventGroup, LatestGroup, type JudgedRun, type Outgoing, type ViewGroup } from './view-group';

/** The live sessions of a stream, by what they see and in which mode. */
export class ViewGroups {
  private readonly groups = new Map<string, ViewGroup>();

  constructor(
    private readonly decoder: RowDecoder,
    private readonly lastValues: LastValues | undefined,
  ) {}

  get size(): number {
    return this.groups.size;
  }

  get live(): StreamSession[] {
    return [...this.groups.values()].flatMap((group) => [...group.live]);
  }

  join(session: StreamSession): void {
    const { mode, sight } = session;
    const group = mode === 'latest' ? this.latest(sight) : this.events(sight);
    group.live.add(session);
    session.tally.share(group.counts);
  }

  leave(session: StreamSession): void {
    for (const mode of ['events', 'latest'] as const) {
      const key = `${mode} ${session.sight.id}`;
      const group = this.groups.get(key);
      if (group?.live.delete(session) === true) session.tally.unshare();
      if (group?.empty === true) this.groups.delete(key);
    }
  }

  latest(sight: Sight): LatestGroup {
    const key = `latest ${sight.id}`;
    const known = this.groups.get(key);
    if (known instanceof LatestGroup) return known;
    if (this.lastValues === undefined) throw new Error(`${sight.stream} keeps no last values`);
    const group = new LatestGroup(sight, this.decoder, this.lastValues);
    this.groups.set(key, group);
    return group;
  }

  /** Called while the head still is before the run. */
  judge(run: JudgedRun): Outgoing[] {
    const outgoing: Outgoing[] = [];
    for (const group of [...this.groups.values()]) {
      const out = group.judge(run);
      if (out !== undefined) outgoing.push(out);
    }
    return outgoing;
  }

  /** Offsets have lost their meaning: who holds last values gets them anew. */
  startOver(reason: GapReason): void {
    for (const group of [...this.groups.values()]) if (group instanceof LatestGroup) group.startOver(reason);
  }

  private events(sight: Sight): EventGroup {
    const key = `events ${sight.id}`;
    const known = this.groups.get(key);
    if (known instanceof EventGroup) return known;
    const group = new EventGroup(sight, this.decoder, this.lastValues);
    this.groups.set(key, group);
    return group;
  }
}
