import type { SourcePosition } from './cursor';
import type { DurableHold } from './durable-hold';
import type { StartPoint } from './start';
import type { StreamChannel } from './stream-channel';
import type { StreamSession } from './stream-session';

/** Offsets by partition that go out after one commit, where rows go out at most once. */
const reservedAtOnce = 20_000n;

/** A durable subscription and the session that follows it. */
export class DurableFollow {
  /** How far rows may go out; there where they go out at most once: what is stored, since that goes first. */
  readonly gate: (() => readonly (readonly bigint[])[]) | undefined;
  private session: StreamSession | undefined;

  constructor(
    private readonly hold: DurableHold,
    private readonly channel: StreamChannel,
    atMostOnce: boolean,
  ) {
    const { feeds } = channel.options;
    this.gate = atMostOnce ? () => feeds.map(({ topicTag }) => this.hold.storedOf(topicTag) ?? []) : undefined;
  }

  /** Where it stands; undefined when that is not known. @throws AppError `unavailable` */
  async stored(): Promise<StartPoint | undefined> {
    const position = await this.hold.load();
    return position && { at: 'cursor', position };
  }

  begin(position: readonly (readonly bigint[])[]): void {
    this.ack(this.channel.tagged(position));
    this.hold.turn();
  }

  ack(position: readonly SourcePosition[]): void {
    this.hold.ack(this.channel.reached(position));
  }

  /** Ends the session when the subscription goes to somebody else. */
  tell(session: StreamSession): void {
    const { hold, gate } = this;
    this.session = session;
    hold.onLost = (reason) => session.end(reason);
    if (gate !== undefined) {
      hold.reserve = () => this.channel.tagged(this.reserved(gate()));
      hold.onCommitted = this.channel.options.onProgress;
    }
    // Somebody may have been quicker.
    if (hold.lost !== undefined) setImmediate(() => session.end(hold.lost ?? 'taken'));
  }

  /** What has been sent of what was reserved before, and as much again. */
  private reserved(gate: readonly (readonly bigint[])[]): bigint[][] {
    const at = this.session?.position ?? [];
    return this.channel.head.map((offsets, source) =>
      offsets.map((head, p) => {
        const sent = at[source]?.[p] ?? 0n;
        const gated = gate[source]?.[p] ?? 0n;
        if (sent < gated) return gated;
        return sent + reservedAtOnce < head ? sent + reservedAtOnce : head;
      }),
    );
  }
}
