import { AppError } from '@tidegate/errors';
import {
  codecOf,
  frameBytes,
  FrameDecoder,
  FrameError,
  settles,
  statusOf,
  type ClientFrame,
  type Codec,
  type Lane,
  type ServerFrame,
  type Status,
  type Telemetry,
  type Welcome,
} from '@tidegate/wire';
import type { Socket } from 'node:net';
import type { Device } from './device';
import { DeviceContext } from './device-context';
import type { InFlight } from './lane';
import type { ConnectionMetrics } from './metrics';
import type { ConnectionOptions } from './options';
import type { Progress } from './progress';
import type { SessionAudit } from './session-audit';
import { TelemetryWindow, type Verdict } from './telemetry-window';

/** What a connection needs of the server that accepted it. */
export interface ConnectionHost {
  readonly options: ConnectionOptions;
  readonly metrics: ConnectionMetrics;
  /** What the handler of the frame's kind answers. @throws AppError */
  handle(frame: ClientFrame, context: DeviceContext): Promise<ServerFrame | undefined>;
  /** Whether the process has room for more that waits for Kafka; if not, `release()` is called when it has. */
  hasRoom(connection: DeviceConnection): boolean;
  /** Has `flush()` called at the end of this turn. */
  flushSoon(connection: DeviceConnection): void;
  unexpected(error: unknown, connection: DeviceConnection): void;
}

type State = 'hello' | 'welcoming' | 'open' | 'leaving' | 'closed';

const framesPerTurn = 32;
const minuteMs = 60_000;
/** How long a device may take to read its Goodbye. */
const leaveMs = 2_000;

/** One socket: bytes to frames and back, in order, within limits of time, size and number. */
export class DeviceConnection {
  readonly context = new DeviceContext([this]);
  device: Device | undefined;
  audit: SessionAudit | undefined;
  private state: State = 'hello';
  private readonly decoder: FrameDecoder;
  private codec: Codec | undefined;
  private window: TelemetryWindow | undefined;
  /** What is tried again before anything else is read. */
  private held: (() => boolean) | undefined;
  private pumping = false;
  private readonly ackDue: [number, number] = [0, 0];
  private undecodableAtMs: number[] = [];
  private endedBy = 'closed';
  private receivedAtMs: number;
  private frameStartedAtMs = 0;

  constructor(
    private readonly socket: Socket,
    readonly address: string,
    private readonly host: ConnectionHost,
  ) {
    this.receivedAtMs = Date.now();
    this.decoder = new FrameDecoder({ maxFrameBytes: host.options.maxFrameBytes });
    socket.on('data', (chunk) => this.receive(chunk));
    socket.on('drain', () => this.flush());
    // What goes wrong with a socket ends it, and `close` follows.
    socket.on('error', () => undefined);
  }

  /** Whether its Hello is being answered. */
  get isWelcoming(): boolean {
    return this.state === 'welcoming';
  }

  /** Frames that wait for Kafka. */
  get inFlight(): number {
    return this.window?.open ?? 0;
  }

  progress({ bootId }: Device): Progress {
    return { bootId, live: this.window?.acked(0) ?? 0, backlog: this.window?.acked(1) ?? 0 };
  }

  /** The device was believed: from now on it may send more than Hello. */
  open(device: Device, resume: Pick<Progress, 'live' | 'backlog'>, audit: SessionAudit): void {
    this.device = device;
    this.audit = audit;
    this.window = new TelemetryWindow(this.host.options, resume, Date.now());
  }

  /** Ends the connection with a reason; what is under way is still acknowledged if Kafka has it before the socket is closed. */
  goodbye(status: Status, { retryAfterMs, detail }: { retryAfterMs?: number; detail?: string } = {}): void {
    if (this.state === 'leaving' || this.state === 'closed') return;
    this.flush();
    this.host.metrics.goodbyes.inc({ code: status });
    this.send({
      kind: 'goodbye',
      status,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
      ...(detail !== undefined && { detail }),
    });
    this.leave(status);
  }

  /** Nothing more is said or heard. */
  leave(endedBy: string): void {
    if (this.state === 'closed') return;
    this.endedBy = endedBy;
    this.state = 'leaving';
    this.receivedAtMs = Date.now();
    this.held = undefined;
    // Unread bytes at close would make the system send a reset, which can overtake the Goodbye.
    this.socket.resume();
    this.socket.end();
  }

  /** No more is read; for the drain, while the last acks go out. */
  stopReading(): void {
    this.held = () => false;
    this.socket.pause();
  }

  closed(): void {
    this.state = 'closed';
    this.audit?.end(this.endedBy);
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Ends what took too long. While nothing is read, time does not count. */
  checkTime(nowMs: number): void {
    this.audit?.tick(nowMs);
    const { helloTimeoutMs, frameTimeoutMs, maxKeepaliveS } = this.host.options;
    const silentMs = nowMs - this.receivedAtMs;
    if (this.state === 'leaving') {
      if (silentMs >= leaveMs) this.destroy();
    } else if (this.state === 'hello') {
      if (silentMs >= helloTimeoutMs) this.goodbye('timeout', { detail: 'no Hello in time' });
    } else if (this.state === 'open' && this.held === undefined) {
      const keepaliveMs = (this.device?.keepaliveS ?? maxKeepaliveS) * 1_500;
      if (this.decoder.midFrame && nowMs - this.frameStartedAtMs >= frameTimeoutMs) {
        this.goodbye('timeout', { detail: 'a frame was not finished in time' });
      } else if (silentMs >= keepaliveMs)
        this.goodbye('timeout', { detail: 'nothing came for 1.5 times the keepalive' });
    }
  }

  /** Tries again what had to wait, and reads on. */
  release(): void {
    if (this.held === undefined || this.state !== 'open' || !this.held()) return;
    this.held = undefined;
    this.receivedAtMs = Date.now();
    this.frameStartedAtMs = this.receivedAtMs;
    this.socket.resume();
    this.pump();
  }

  /** Sends the acknowledgements that are due, unless the device does not read; then the latest go when it does. */
  flush(): void {
    if (this.socket.writableNeedDrain) return;
    for (const lane of [0, 1] as const) {
      const upToSeq = this.ackDue[lane];
      if (upToSeq === 0) continue;
      this.ackDue[lane] = 0;
      this.send({ kind: 'ack', lane, upToSeq });
    }
  }

  private receive(chunk: Buffer): void {
    if (this.state === 'leaving' || this.state === 'closed') return;
    this.decoder.push(chunk);
    this.pump();
  }

  private pump(): void {
    if (this.pumping) return;
    this.pumping = true;
    const wasMidFrame = this.decoder.midFrame;
    let frames = 0;
    try {
      while (this.held === undefined && this.state !== 'leaving' && this.state !== 'closed') {
        const body = this.decoder.next();
        if (body === undefined) break;
        frames += 1;
        this.receivedAtMs = this.state === 'hello' ? this.receivedAtMs : Date.now();
        this.take(body);
        if (frames === framesPerTurn)
          this.hold(
            () => true,
            () => setImmediate(() => this.release()),
          );
      }
    } catch (error) {
      const { status, message } = FrameError.from(error);
      this.goodbye(status, { detail: message });
    }
    this.pumping = false;
    if (this.decoder.midFrame && (frames > 0 || !wasMidFrame)) this.frameStartedAtMs = Date.now();
  }

  private hold(retry: () => boolean, whenHeld?: () => void): void {
    if (this.held !== undefined) return;
    this.held = retry;
    this.socket.pause();
    whenHeld?.();
  }

  private take(body: Buffer): void {
    this.codec ??= codecOf(this.decoder.codec ?? 1);
    let frame: ClientFrame;
    try {
      frame = this.codec.decode(body);
    } catch (error) {
      this.refuse(FrameError.from(error));
      return;
    }
    this.host.metrics.frames.inc({ kind: frame.kind });
    if ((frame.kind === 'hello') !== (this.state === 'hello')) {
      this.goodbye('protocol', { detail: frame.kind === 'hello' ? 'a second Hello' : 'the first frame is a Hello' });
    } else if (frame.kind === 'hello') this.welcome(frame);
    else if (frame.kind === 'telemetry') this.admit(frame, body.length);
    else void this.answer(frame);
  }

  private welcome(hello: ClientFrame): void {
    this.state = 'welcoming';
    this.hold(() => true);
    this.host.handle(hello, this.context).then(
      (welcome) => {
        if (this.state !== 'welcoming') return;
        this.state = 'open';
        if (welcome !== undefined) this.send(welcome);
        this.release();
      },
      (error: unknown) => this.end(error),
    );
  }

  private async answer(frame: ClientFrame): Promise<void> {
    try {
      const answer = await this.host.handle(frame, this.context);
      if (answer !== undefined) this.send(answer);
    } catch (error) {
      const { code, message } = this.known(error);
      this.nack({ lane: 0, seq: 0 }, statusOf(code), message);
    }
  }

  private admit(frame: Telemetry, bytes: number): void {
    if (!this.offer(frame, bytes)) this.hold(() => this.offer(frame, bytes));
  }

  /** @returns false when the frame has to wait */
  private offer(frame: Telemetry, bytes: number): boolean {
    const { window, host } = this;
    if (window === undefined) return true;
    if (!host.hasRoom(this)) return false;
    const verdict = window.offer({ lane: frame.lane, seq: frame.seq, bytes }, Date.now());
    if (verdict.kind === 'wait') return false;
    if (verdict.kind === 'again') {
      const { status, retryAfterMs, detail } = verdict;
      this.nack(frame, status, detail, retryAfterMs);
    } else if (verdict.kind === 'admitted') {
      if (verdict.jumped) host.metrics.jumps.inc();
      this.write(frame, verdict.frame);
    } else this.answerAgain(frame.lane, verdict);
    return true;
  }

  private write(frame: Telemetry, place: InFlight): void {
    const { lane } = frame;
    this.host.handle(frame, this.context).then(
      () => this.settle(lane, place, 'written'),
      (error: unknown) => {
        const { code, message, retryAfterMs } = this.known(error);
        const status = statusOf(code);
        if (settles(status)) {
          this.nack(frame, status, message);
          this.settle(lane, place, 'refused');
        } else if (this.window?.withdraw(lane, place) === true) {
          this.nack(frame, status, message, retryAfterMs ?? 1_000);
          this.release();
        }
      },
    );
  }

  private settle(lane: Lane, place: InFlight, outcome: 'written' | 'refused'): void {
    const upToSeq = this.window?.settle(lane, place, outcome);
    if (upToSeq !== undefined) this.ackSoon(lane, upToSeq);
    this.release();
  }

  /** A frame that cannot be used: told about its seq where that is known. */
  private refuse(error: FrameError): void {
    if (this.state === 'hello') {
      this.goodbye(error.status, { detail: error.message });
    } else if (error.seq > 0 && (error.lane === 0 || error.lane === 1)) {
      const lane = error.lane;
      const retry = () => {
        const verdict = this.window?.refuse({ lane, seq: error.seq });
        if (verdict === undefined) return true;
        if (verdict === 'refused') this.nack(error, error.status, error.message);
        else if (verdict.kind === 'wait') return false;
        else this.answerAgain(lane, verdict);
        return true;
      };
      if (!retry()) this.hold(retry);
    } else {
      this.nack(error, error.status, error.message);
      if (error.status !== 'unsupported') this.countUndecodable(error);
    }
  }

  private countUndecodable(error: FrameError): void {
    const nowMs = Date.now();
    this.undecodableAtMs = [...this.undecodableAtMs.filter((atMs) => nowMs - atMs < minuteMs), nowMs];
    if (this.undecodableAtMs.length <= this.host.options.undecodablePerMinute) return;
    this.goodbye(error.status, { detail: `too many bodies that cannot be decoded: ${error.message}` });
  }

  private answerAgain(lane: Lane, verdict: Extract<Verdict, { kind: 'acked' | 'dropped' }>): void {
    if (verdict.kind === 'dropped') return;
    this.host.metrics.duplicates.inc();
    this.ackSoon(lane, verdict.upToSeq);
  }

  private ackSoon(lane: Lane, upToSeq: number): void {
    this.ackDue[lane] = upToSeq;
    this.host.flushSoon(this);
  }

  private nack(place: { lane: number; seq: number }, status: Status, detail: string, retryAfterMs?: number): void {
    this.host.metrics.nacks.inc({ code: status });
    this.flush();
    const { lane, seq } = place;
    this.send({ kind: 'nack', lane, seq, status, detail, ...(retryAfterMs !== undefined && { retryAfterMs }) });
  }

  private end(error: unknown): void {
    const { code, message, retryAfterMs } = this.known(error);
    this.goodbye(statusOf(code), { detail: message, ...(retryAfterMs !== undefined && { retryAfterMs }) });
  }

  private known(error: unknown): AppError {
    const known = AppError.from(error);
    if (known.code === 'internal') this.host.unexpected(error, this);
    return known;
  }

  private send(frame: ServerFrame | Welcome): void {
    if (this.state === 'leaving' || this.state === 'closed' || !this.socket.writable) return;
    if (this.socket.writableLength > this.host.options.maxUnreadBytes) {
      this.destroy();
      return;
    }
    this.codec ??= codecOf(this.decoder.codec ?? 1);
    this.socket.write(frameBytes(this.codec.encode(frame)));
  }
}
