import { AppError } from '@tidegate/errors';
import {
  codecOf,
  frameBytes,
  FrameDecoder,
  FrameError,
  statusOf,
  type ClientFrame,
  type Codec,
  type ServerFrame,
  type Status,
  type Telemetry,
  type Welcome,
} from '@tidegate/wire';
import type { Socket } from 'node:net';
import type { Device } from './device';
import { DeviceContext } from './device-context';
import type { ConnectionMetrics } from './metrics';
import type { ConnectionOptions } from './options';
import type { Progress } from './progress';
import type { SessionAudit } from './session-audit';
import { TelemetryFlow, type FlowPort } from './telemetry-flow';

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
  private flow: TelemetryFlow | undefined;
  /** What is tried again before anything else is read. */
  private held: (() => boolean) | undefined;
  private pumping = false;
  private undecodableAtMs: number[] = [];
  private endedBy = 'closed';
  private receivedAtMs: number;
  private frameStartedAtMs = 0;

  constructor(
    readonly socket: Socket,
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
    return this.flow?.inFlight ?? 0;
  }

  progress(device: Device): Progress {
    return this.flow?.progress(device) ?? { bootId: device.bootId, live: 0, backlog: 0 };
  }

  /** The device was believed: from now on it may send more than Hello. */
  open(device: Device, resume: Pick<Progress, 'live' | 'backlog'>, audit: SessionAudit): void {
    this.device = device;
    this.audit = audit;
    this.flow = new TelemetryFlow(this.flowPort(), resume);
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
    const { endsAtMs } = this.device ?? {};
    if (this.state === 'leaving') {
      if (silentMs >= leaveMs) this.destroy();
    } else if (this.state === 'hello') {
      if (silentMs >= helloTimeoutMs) this.goodbye('timeout', { detail: 'no Hello in time' });
    } else if (endsAtMs !== undefined && nowMs >= endsAtMs) {
      this.goodbye('unauthenticated', { detail: 'the credential has ended' });
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
    if (!this.socket.writableNeedDrain) this.flow?.flush();
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
        if (frames === framesPerTurn) this.yieldTurn();
      }
    } catch (error) {
      const { status, message } = FrameError.from(error);
      this.goodbye(status, { detail: message });
    }
    this.pumping = false;
    if (this.decoder.midFrame && (frames > 0 || !wasMidFrame)) this.frameStartedAtMs = Date.now();
  }

  private hold(retry: () => boolean): void {
    this.held = retry;
    this.socket.pause();
  }

  /** Others come first before this connection is read on. */
  private yieldTurn(): void {
    if (this.held !== undefined) return;
    this.hold(() => true);
    setImmediate(() => this.release());
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
      this.nackUnplaced(statusOf(code), message);
    }
  }

  private admit(frame: Telemetry, bytes: number): void {
    const { flow } = this;
    if (flow !== undefined && !flow.offer(frame, bytes)) this.hold(() => flow.offer(frame, bytes));
  }

  /** A frame that cannot be used: told about its seq where that is known. */
  private refuse(error: FrameError): void {
    if (this.state === 'hello') {
      this.goodbye(error.status, { detail: error.message });
    } else if (this.flow !== undefined && error.seq > 0 && (error.lane === 0 || error.lane === 1)) {
      const { flow } = this;
      const { lane } = error;
      if (!flow.refuse(lane, error)) this.hold(() => flow.refuse(lane, error));
    } else {
      this.nackUnplaced(error.status, error.message);
      if (error.status !== 'unsupported') this.countUndecodable(error);
    }
  }

  private countUndecodable(error: FrameError): void {
    const nowMs = Date.now();
    this.undecodableAtMs = [...this.undecodableAtMs.filter((atMs) => nowMs - atMs < minuteMs), nowMs];
    if (this.undecodableAtMs.length <= this.host.options.undecodablePerMinute) return;
    this.goodbye(error.status, { detail: `too many bodies that cannot be decoded: ${error.message}` });
  }

  /** About a body of which nobody can tell which frame it was, or which is no Telemetry. */
  private nackUnplaced(status: Status, detail: string): void {
    this.host.metrics.nacks.inc({ code: status });
    this.send({ kind: 'nack', lane: 0, seq: 0, status, detail });
  }

  private end(error: unknown): void {
    const { code, message, retryAfterMs } = this.known(error);
    this.goodbye(statusOf(code), { detail: message, ...(retryAfterMs !== undefined && { retryAfterMs }) });
  }

  private flowPort(): FlowPort {
    const { host } = this;
    return {
      options: host.options,
      metrics: host.metrics,
      write: (frame) => host.handle(frame, this.context).then(() => undefined),
      hasRoom: () => host.hasRoom(this),
      send: (frame) => this.send(frame),
      flushSoon: () => host.flushSoon(this),
      settled: () => this.release(),
      known: (error) => this.known(error),
    };
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
