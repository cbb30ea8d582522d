import type { AppError } from '@tidegate/errors';
import {
  settles,
  statusOf,
  type FrameError,
  type Lane,
  type ServerFrame,
  type Status,
  type Telemetry,
} from '@tidegate/wire';
import type { Device } from './device';
import type { InFlight } from './lane';
import type { ConnectionMetrics } from './metrics';
import type { ConnectionOptions } from './options';
import type { Progress } from './progress';
import { TelemetryWindow, type Verdict } from './telemetry-window';

/** What the telemetry of a connection needs of it. */
export interface FlowPort {
  readonly options: ConnectionOptions;
  readonly metrics: ConnectionMetrics;
  /** Resolves once Kafka has the frame. @throws AppError */
  write(frame: Telemetry): Promise<void>;
  hasRoom(): boolean;
  send(frame: ServerFrame): void;
  /** Has `flush()` called at the end of this turn. */
  flushSoon(): void;
  /** Something was settled: what had to wait may be tried again. */
  settled(): void;
  known(error: unknown): AppError;
}

const defaultRetryMs = 1_000;

/** The telemetry of one session: what is written, and what the device hears of it. */
export class TelemetryFlow {
  private readonly window: TelemetryWindow;
  private readonly ackDue: [number, number] = [0, 0];

  constructor(
    private readonly port: FlowPort,
    resume: Pick<Progress, 'live' | 'backlog'>,
  ) {
    this.window = new TelemetryWindow(port.options, resume, Date.now());
  }

  /** Frames that wait for Kafka. */
  get inFlight(): number {
    return this.window.open;
  }

  progress({ bootId }: Device): Progress {
    return { bootId, live: this.window.acked(0), backlog: this.window.acked(1) };
  }

  /** @returns false when the frame has to wait */
  offer(frame: Telemetry, bytes: number): boolean {
    if (!this.port.hasRoom()) return false;
    const { lane, seq } = frame;
    const verdict = this.window.offer({ lane, seq, bytes }, Date.now());
    if (verdict.kind === 'wait') return false;
    if (verdict.kind === 'again') this.nack(frame, verdict.status, verdict.detail, verdict.retryAfterMs);
    else if (verdict.kind === 'admitted') {
      if (verdict.jumped) this.port.metrics.jumps.inc();
      this.write(frame, verdict.frame);
    } else this.answerAgain(lane, verdict);
    return true;
  }

  /** A frame that cannot be used, of a lane and seq that are known. @returns false when it has to wait */
  refuse(lane: Lane, error: FrameError): boolean {
    const verdict = this.window.refuse({ lane, seq: error.seq });
    if (verdict === 'refused') this.nack(error, error.status, error.message);
    else if (verdict.kind === 'wait') return false;
    else this.answerAgain(lane, verdict);
    return true;
  }

  /** Acknowledges what is due. */
  flush(): void {
    for (const lane of [0, 1] as const) {
      const upToSeq = this.ackDue[lane];
      if (upToSeq === 0) continue;
      this.ackDue[lane] = 0;
      this.port.send({ kind: 'ack', lane, upToSeq });
    }
  }

  private write(frame: Telemetry, place: InFlight): void {
    this.port.write(frame).then(
      () => this.settle(frame.lane, place, 'written'),
      (error: unknown) => this.failed(frame, place, error),
    );
  }

  private failed(frame: Telemetry, place: InFlight, error: unknown): void {
    const { code, message, retryAfterMs = defaultRetryMs } = this.port.known(error);
    const status = statusOf(code);
    if (settles(status)) {
      this.nack(frame, status, message);
      this.settle(frame.lane, place, 'refused');
    } else if (this.window.withdraw(frame.lane, place)) {
      this.nack(frame, status, message, retryAfterMs);
      this.port.settled();
    }
  }

  private settle(lane: Lane, place: InFlight, outcome: 'written' | 'refused'): void {
    const upToSeq = this.window.settle(lane, place, outcome);
    if (upToSeq !== undefined) this.ackSoon(lane, upToSeq);
    this.port.settled();
  }

  private answerAgain(lane: Lane, verdict: Extract<Verdict, { kind: 'acked' | 'dropped' }>): void {
    if (verdict.kind === 'dropped') return;
    this.port.metrics.duplicates.inc();
    this.ackSoon(lane, verdict.upToSeq);
  }

  private ackSoon(lane: Lane, upToSeq: number): void {
    this.ackDue[lane] = upToSeq;
    this.port.flushSoon();
  }

  private nack(
    { lane, seq }: { lane: number; seq: number },
    status: Status,
    detail: string,
    retryAfterMs?: number,
  ): void {
    this.port.metrics.nacks.inc({ code: status });
    this.flush();
    this.port.send({ kind: 'nack', lane, seq, status, detail, ...(retryAfterMs !== undefined && { retryAfterMs }) });
  }
}
