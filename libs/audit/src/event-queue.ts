/** An event as it goes to Kafka. */
export interface QueuedEvent {
  seq: number;
  value: Buffer;
  /** In place of an event that Kafka refused. */
  isGap?: boolean;
}

export interface QueueLimits {
  maxEvents: number;
  maxBytes: number;
}

/** What an event weighs in memory beside its bytes, roughly. */
const overheadBytes = 200;
/** Permitted reads may fill this much of the queue; the rest is for what matters more. */
const readShare = 0.8;

/** Events that wait, oldest first, within two limits. */
export class EventQueue {
  private events: QueuedEvent[] = [];
  bytes = 0;

  constructor(private readonly limits: QueueLimits) {}

  get size(): number {
    return this.events.length;
  }

  /** Whether there is room for one more: reads get less of it, so that they are the first to be left out. */
  hasRoom(bytes: number, isRead: boolean): boolean {
    const share = isRead ? readShare : 1;
    const { maxEvents, maxBytes } = this.limits;
    return this.size + 1 <= maxEvents * share && this.bytes + bytes + overheadBytes <= maxBytes * share;
  }

  push(event: QueuedEvent): void {
    this.events.push(event);
    this.bytes += weightOf(event);
  }

  /** The oldest events, at least one if there is any; they stay in the queue. */
  head({ maxEvents, maxBytes }: QueueLimits): QueuedEvent[] {
    const head: QueuedEvent[] = [];
    let bytes = 0;
    for (const event of this.events) {
      if (head.length > 0 && (head.length >= maxEvents || bytes + event.value.length > maxBytes)) break;
      head.push(event);
      bytes += event.value.length;
    }
    return head;
  }

  remove(events: ReadonlySet<QueuedEvent>): void {
    this.events = this.events.filter((event) => !events.has(event));
    for (const event of events) this.bytes -= weightOf(event);
  }

  replace(event: QueuedEvent, by: QueuedEvent): void {
    const index = this.events.indexOf(event);
    if (index < 0) return;
    this.events[index] = by;
    this.bytes += weightOf(by) - weightOf(event);
  }
}

function weightOf({ value }: QueuedEvent): number {
  return value.length + overheadBytes;
}
