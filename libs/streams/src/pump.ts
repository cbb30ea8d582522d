import type { StreamChannel } from './stream-channel';

/** How long one turn may take before timers and sockets get theirs. */
const turnMs = 10;

export interface PumpOptions {
  channels: ReadonlySet<StreamChannel>;
  tickMs: number;
  now: () => number;
}

/** Moves all channels: live ones once per tick, sessions that are behind whenever they can get on. */
export class Pump {
  private tick: NodeJS.Timeout | undefined;
  private soon: NodeJS.Immediate | undefined;
  private poll: NodeJS.Timeout | undefined;

  constructor(private readonly options: PumpOptions) {}

  /** Records have come. What follows within the tick goes out with them. */
  readonly arrived = (): void => this.stepAfter(this.options.tickMs);

  /** A session that is behind may get on. */
  readonly progressed = (): void => {
    this.soon ??= setImmediate(() => {
      this.soon = undefined;
      this.pumpAll();
    });
  };

  stop(): void {
    clearTimeout(this.tick);
    clearTimeout(this.poll);
    clearImmediate(this.soon);
  }

  private stepAfter(delayMs: number): void {
    this.tick ??= setTimeout(() => {
      this.tick = undefined;
      this.stepAll();
      this.pumpAll();
    }, delayMs);
  }

  private stepAll(): void {
    const untilMs = this.options.now() + turnMs;
    let left = false;
    for (const channel of this.options.channels) {
      while (channel.pending && this.options.now() < untilMs) channel.guard(() => channel.step());
      left ||= channel.pending;
    }
    if (left) this.stepAfter(0);
  }

  private pumpAll(): void {
    const untilMs = this.options.now() + turnMs;
    let again = false;
    let waiting = false;
    for (const channel of this.options.channels) {
      const { behind } = channel;
      for (const session of [...behind]) {
        if (this.options.now() >= untilMs) {
          again = true;
          break;
        }
        channel.guard(() => (again = session.pump() || again));
        // To the end of the line, so that the next turn begins with those that this one does not reach.
        if (behind.delete(session)) behind.add(session);
      }
      waiting ||= behind.size > 0;
    }
    if (again) this.progressed();
    else if (waiting) this.pollLater();
  }

  /** Blocked sinks drain, failed reads may be tried again, the tail reaches those who are ahead of it. */
  private pollLater(): void {
    this.poll ??= setTimeout(() => {
      this.poll = undefined;
      this.pumpAll();
    }, this.options.tickMs).unref();
  }
}
