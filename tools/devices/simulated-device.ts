import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { cborCodec } from './cbor.ts';
import { codes, type Batch, type DeviceCodec, type ServerFrame, type WelcomeFrame } from './frames.ts';
import { protobufCodec } from './protobuf.ts';

export type CodecName = 'protobuf' | 'cbor';

export interface SimulatedDeviceOptions {
  port: number;
  host?: string;
  /** Certificate of the server's authority; without it the connection is plain. */
  ca?: string | Buffer;
  codec: CodecName;
  tenant: string;
  deviceId: string;
  token: Uint8Array;
  bootId?: number;
  keepaliveS?: number;
  schemaId?: string;
  /** How many frames may be unacknowledged; at most what the server offers. */
  window?: number;
  /** Comes back after a lost connection or a Goodbye; true by default. */
  reconnect?: boolean;
  onAcked?: (lane: number, seq: number) => void;
}

interface Kept {
  seq: number;
  frame: Buffer;
  sent: boolean;
}

type Lane = 0 | 1;

const firstRetryMs = 100;
const maxRetryMs = 5_000;
const largestSeq = 0xffff_ffff;

/** A device as its firmware should be: keeps every frame until it is acknowledged, and sends it again until then. */
export class SimulatedDevice {
  readonly nacks: Extract<ServerFrame, { kind: 'nack' }>[] = [];
  readonly goodbyes: Extract<ServerFrame, { kind: 'goodbye' }>[] = [];
  welcome: WelcomeFrame | undefined;
  connections = 0;
  ackedFrames = 0;
  pongs = 0;
  isConnected = false;
  private readonly options: SimulatedDeviceOptions;
  private readonly codec: DeviceCodec;
  private readonly lanes: [Kept[], Kept[]] = [[], []];
  private readonly lastSeq: [number, number] = [0, 0];
  private readonly pausedUntilMs: [number, number] = [0, 0];
  private socket: Socket | undefined;
  private received: Buffer = Buffer.alloc(0);
  private closing = false;
  private retryMs = firstRetryMs;
  private readonly bootedAtMs = Date.now() - 1_000;
  private readonly bootId: number;

  constructor(options: SimulatedDeviceOptions) {
    this.options = options;
    this.codec = options.codec === 'cbor' ? cborCodec : protobufCodec;
    this.bootId = options.bootId ?? Math.floor(Math.random() * largestSeq) + 1;
  }

  /** Frames that are not acknowledged. */
  get pending(): number {
    return this.lanes[0].length + this.lanes[1].length;
  }

  /** Connects and resolves at the first Welcome. @throws Error when the server says Goodbye instead */
  async open(timeoutMs = 10_000): Promise<WelcomeFrame> {
    this.connect();
    await this.until(
      () => this.welcome !== undefined || (this.goodbyes.length > 0 && !this.isConnected),
      'welcomed',
      timeoutMs,
    );
    if (this.welcome === undefined) throw new Error(`refused: ${JSON.stringify(this.goodbyes.at(-1))}`);
    return this.welcome;
  }

  /** Keeps a frame and sends it as the window allows. @returns its seq */
  send(batch: Batch, lane: Lane = 0): number {
    const seq = this.lastSeq[lane] === largestSeq ? 1 : this.lastSeq[lane] + 1;
    this.lastSeq[lane] = seq;
    this.lanes[lane].push({
      seq,
      frame: framed(this.codec.telemetry({ lane, seq, uptimeMs: this.uptimeMs(), batch })),
      sent: false,
    });
    this.fill();
    return seq;
  }

  /** The next frame gets the seq after this one. */
  continueAfter(seq: number, lane: Lane = 0): void {
    this.lastSeq[lane] = seq;
  }

  ping(): void {
    this.socket?.write(framed(this.codec.ping(this.pongs + 1)));
  }

  /** Bytes as they are. */
  write(bytes: Uint8Array): void {
    this.socket?.write(bytes);
  }

  /** Breaks the connection as a lost network does. */
  cut(): void {
    this.socket?.destroy();
  }

  async close(): Promise<void> {
    this.closing = true;
    if (this.isConnected) this.socket?.end(framed(this.codec.bye(0)));
    await this.until(() => !this.isConnected, 'closed', 1_000).catch(() => this.socket?.destroy());
  }

  async until(condition: () => boolean, what: string, timeoutMs = 20_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!condition()) {
      if (Date.now() > deadline)
        throw new Error(`${this.options.deviceId}: not ${what} after ${timeoutMs} ms: ${this.state()}`);
      await sleep(5);
    }
  }

  private state(): string {
    const { pending, ackedFrames, isConnected } = this;
    return JSON.stringify({
      pending,
      ackedFrames,
      isConnected,
      nacks: this.nacks.slice(-3),
      goodbyes: this.goodbyes.slice(-3),
    });
  }

  private connect(): void {
    const { host = '127.0.0.1', port, ca } = this.options;
    this.received = Buffer.alloc(0);
    const socket =
      ca === undefined
        ? connect({ host, port, noDelay: true })
        : connectTls({
            host,
            port,
            ca,
            ALPNProtocols: ['tidegate-iot/1'],
            minVersion: 'TLSv1.3',
            servername: 'localhost',
          });
    this.socket = socket;
    this.isConnected = true;
    socket.on(ca === undefined ? 'connect' : 'secureConnect', () => this.greet(socket));
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('drain', () => this.fill());
    socket.on('error', () => undefined);
    socket.on('close', () => this.closed(socket));
  }

  private greet(socket: Socket): void {
    this.connections += 1;
    const { tenant, deviceId, token, keepaliveS = 300, schemaId = '' } = this.options;
    const preface = Buffer.from([0x54, 0x47, 0x49, 0x31, this.codec.id, 0, 0, 0]);
    const hello = { tenant, deviceId, bootId: this.bootId, token, keepaliveS, schemaId, uptimeMs: this.uptimeMs() };
    socket.write(Buffer.concat([preface, framed(this.codec.hello(hello))]));
  }

  private closed(socket: Socket): void {
    if (this.socket !== socket) return;
    this.isConnected = false;
    this.welcome = undefined;
    for (const lane of this.lanes) for (const kept of lane) kept.sent = false;
    if (this.closing || this.options.reconnect === false) return;
    const advised = this.goodbyes.at(-1)?.retryAfterMs ?? 0;
    setTimeout(() => !this.closing && this.connect(), Math.max(this.retryMs, Math.min(advised, maxRetryMs)));
    this.retryMs = Math.min(2 * this.retryMs, maxRetryMs);
  }

  private receive(chunk: Buffer): void {
    this.received = this.received.length === 0 ? chunk : Buffer.concat([this.received, chunk]);
    while (this.received.length >= 4) {
      const end = 4 + this.received.readUInt32BE(0);
      if (this.received.length < end) return;
      const frame = this.codec.decode(this.received.subarray(4, end));
      this.received = this.received.subarray(end);
      this.take(frame);
    }
  }

  private take(frame: ServerFrame): void {
    if (frame.kind === 'welcome') {
      this.welcome = frame;
      this.retryMs = firstRetryMs;
      this.resume(0, frame.liveResumeSeq);
      this.resume(1, frame.backlogResumeSeq);
    } else if (frame.kind === 'ack') this.settle(frame.lane as Lane, (seq) => !isAfter(seq, frame.upToSeq));
    else if (frame.kind === 'pong') this.pongs += 1;
    else if (frame.kind === 'goodbye') this.goodbyes.push(frame);
    else if (frame.kind === 'nack') this.refused(frame);
    this.fill();
  }

  private resume(lane: Lane, nextExpected: number): void {
    if (nextExpected > 1) this.settle(lane, (seq) => isAfter(nextExpected, seq));
  }

  private refused(nack: Extract<ServerFrame, { kind: 'nack' }>): void {
    this.nacks.push(nack);
    const lane = this.lanes[nack.lane as Lane];
    const at = lane.findIndex(({ seq }) => seq === nack.seq);
    if (at < 0) return;
    if (nack.code !== codes.rateLimited && nack.code !== codes.unavailable) {
      lane.splice(at, 1);
      return;
    }
    for (const kept of lane.slice(at)) kept.sent = false;
    this.pausedUntilMs[nack.lane as Lane] = Date.now() + nack.retryAfterMs;
    setTimeout(() => this.fill(), nack.retryAfterMs);
  }

  private settle(number: Lane, isSettled: (seq: number) => boolean): void {
    const lane = this.lanes[number];
    for (let first = lane[0]; first !== undefined && isSettled(first.seq); first = lane[0]) {
      lane.shift();
      this.ackedFrames += 1;
      this.options.onAcked?.(number, first.seq);
    }
  }

  /** Sends what the windows allow, in order. */
  private fill(): void {
    if (this.welcome === undefined || this.socket === undefined) return;
    const { windowFrames, backlogWindowFrames } = this.welcome;
    const limits = [Math.min(this.options.window ?? windowFrames, windowFrames), backlogWindowFrames] as const;
    for (const lane of [0, 1] as const) {
      if (Date.now() < this.pausedUntilMs[lane]) continue;
      for (const kept of this.lanes[lane].slice(0, limits[lane])) {
        if (kept.sent) continue;
        kept.sent = true;
        this.socket.write(kept.frame);
      }
    }
  }

  private uptimeMs(): number {
    return Date.now() - this.bootedAtMs;
  }
}

/** With the length in front. */
export function framed(body: Uint8Array): Buffer {
  const frame = Buffer.alloc(4 + body.length);
  frame.writeUInt32BE(body.length);
  frame.set(body, 4);
  return frame;
}

function isAfter(seq: number, other: number): boolean {
  return ((seq - other) | 0) > 0;
}
