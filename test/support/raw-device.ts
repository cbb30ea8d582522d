import {
  cborCodec,
  deviceToken,
  framed,
  protobufCodec,
  type CodecName,
  type DeviceCodec,
  type ServerFrame,
} from '@tidegate/simulator';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';

export interface RawDeviceOptions {
  port: number;
  tokenKeys: string;
  deviceId: string;
  tenant?: string;
  codec?: CodecName;
  bootId?: number;
  keepaliveS?: number;
  schemaId?: string;
  uptimeMs?: number;
  /** Over TLS, with what the device shows and believes. */
  tls?: ConnectionOptions;
}

/** A socket to the door for devices: sends whatever bytes a test wants, and keeps what the server says. */
export class RawDevice {
  readonly frames: ServerFrame[] = [];
  isClosed = false;
  readonly codec: DeviceCodec;
  private received: Buffer = Buffer.alloc(0);

  private constructor(
    readonly socket: Socket,
    private readonly options: RawDeviceOptions,
  ) {
    this.codec = options.codec === 'cbor' ? cborCodec : protobufCodec;
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => (this.isClosed = true));
  }

  /** Connected, and nothing said yet. */
  static async connect(options: RawDeviceOptions): Promise<RawDevice> {
    const { port, tls } = options;
    const place = { host: '127.0.0.1', port };
    const socket =
      tls === undefined
        ? connect({ ...place, noDelay: true })
        : connectTls({ ...place, ALPNProtocols: ['tidegate-iot/1'], servername: 'localhost', ...tls });
    const device = new RawDevice(socket, options);
    await once(socket, tls === undefined ? 'connect' : 'secureConnect');
    return device;
  }

  /** Connected and welcome. */
  static async open(options: RawDeviceOptions): Promise<RawDevice> {
    const device = await RawDevice.connect(options);
    device.write(device.preface(), device.hello());
    await device.until(() => device.last('welcome') !== undefined || device.isClosed, 'welcomed');
    return device;
  }

  preface(codec = this.codec.id): Buffer {
    return Buffer.from([0x54, 0x47, 0x49, 0x31, codec, 0, 0, 0]);
  }

  hello(changes: { token?: Uint8Array; tenant?: string; deviceId?: string } = {}): Buffer {
    const {
      tenant = 'north',
      deviceId,
      bootId = 1,
      keepaliveS = 300,
      schemaId = '',
      uptimeMs = 0,
      tokenKeys,
    } = this.options;
    const token = deviceToken(tokenKeys, { tenant, deviceId });
    return framed(this.codec.hello({ tenant, deviceId, bootId, token, keepaliveS, schemaId, uptimeMs, ...changes }));
  }

  telemetry(seq: number, { lane = 0, value = 1 }: { lane?: 0 | 1; value?: number } = {}): Buffer {
    const channels = [{ number: 1, digits: 0, values: [value] }];
    return framed(this.codec.telemetry({ lane, seq, uptimeMs: 0, batch: { times: [Date.now()], channels } }));
  }

  write(...bytes: Uint8Array[]): void {
    this.socket.write(Buffer.concat(bytes));
  }

  last<Kind extends ServerFrame['kind']>(kind: Kind): Extract<ServerFrame, { kind: Kind }> | undefined {
    return this.all(kind).at(-1);
  }

  all<Kind extends ServerFrame['kind']>(kind: Kind): Extract<ServerFrame, { kind: Kind }>[] {
    return this.frames.filter((frame) => frame.kind === kind) as Extract<ServerFrame, { kind: Kind }>[];
  }

  untilAcked(upToSeq: number, lane = 0): Promise<void> {
    return this.until(
      () => this.all('ack').some((ack) => ack.lane === lane && ack.upToSeq === upToSeq),
      `acked ${upToSeq}`,
    );
  }

  async until(condition: () => boolean, what: string, timeoutMs = 20_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!condition()) {
      if (Date.now() > deadline)
        throw new Error(`not ${what} after ${timeoutMs} ms: ${JSON.stringify(this.frames.slice(-5))}`);
      await sleep(5);
    }
  }

  cut(): void {
    this.socket.destroy();
  }

  private receive(chunk: Buffer): void {
    this.received = Buffer.concat([this.received, chunk]);
    while (this.received.length >= 4) {
      const end = 4 + this.received.readUInt32BE(0);
      if (this.received.length < end) return;
      this.frames.push(this.codec.decode(this.received.subarray(4, end)));
      this.received = this.received.subarray(end);
    }
  }
}
