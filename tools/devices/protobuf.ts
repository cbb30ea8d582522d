import { ByteWriter } from './bytes.ts';
import { scaled, type DeviceCodec, type HelloFrame, type ServerFrame, type TelemetryFrame } from './frames.ts';

const varint = 0;
const delimited = 2;

/** Written by hand from iot.proto. */
export const protobufCodec: DeviceCodec = {
  id: 1,
  hello: (frame) => message(1, helloFields(frame)),
  telemetry: (frame) => message(2, telemetryFields(frame)),
  ping: (nonce) => message(4, new Fields().uint(1, nonce)),
  bye: (reason) => message(5, new Fields().uint(1, reason)),
  decode: serverFrame,
};

class Fields {
  private readonly out = new ByteWriter();

  uint(field: number, value: number): this {
    if (value !== 0) this.varint((field << 3) | varint).varint(value);
    return this;
  }

  sint(field: number, value: number): this {
    if (value !== 0) this.varint((field << 3) | varint).varint(zigzag(value));
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    if (value.length > 0) this.part(field, value);
    return this;
  }

  packed(field: number, values: readonly (number | bigint)[]): this {
    const list = new Fields();
    for (const value of values) list.varint(value);
    return this.bytes(field, list.finish());
  }

  /** Also when it is empty. */
  part(field: number, value: Uint8Array): this {
    this.varint((field << 3) | delimited).varint(value.length);
    this.out.bytes(value);
    return this;
  }

  finish(): Buffer {
    return this.out.finish();
  }

  private varint(value: number | bigint): this {
    let rest = BigInt(value);
    for (; rest > 127n; rest >>= 7n) this.out.byte(Number(rest & 127n) | 128);
    this.out.byte(Number(rest));
    return this;
  }
}

function message(field: number, fields: Fields): Buffer {
  return new Fields().part(field, fields.finish()).finish();
}

function zigzag(value: number): bigint {
  const integer = BigInt(value);
  return integer >= 0n ? integer * 2n : -integer * 2n - 1n;
}

function helloFields(frame: HelloFrame): Fields {
  return new Fields()
    .bytes(1, Buffer.from(frame.tenant))
    .bytes(2, Buffer.from(frame.deviceId))
    .uint(3, frame.bootId)
    .bytes(4, frame.token)
    .uint(5, frame.keepaliveS)
    .bytes(7, Buffer.from(frame.schemaId))
    .uint(11, frame.uptimeMs);
}

function telemetryFields({ lane, seq, uptimeMs, batch: { times, channels } }: TelemetryFrame): Fields {
  const [base = 0] = times;
  const fields = new Fields().uint(1, seq).uint(2, base).uint(3, uptimeMs).uint(4, 1).packed(5, differences(times));
  for (const { number, digits, values } of channels) {
    const integers = values.map((value) => scaled(value, digits));
    const series = new Fields().uint(1, number).sint(2, -digits);
    const [first = 0] = integers;
    fields.part(6, series.packed(3, [first, ...differences(integers).slice(1)].map(zigzag)).finish());
  }
  return fields.uint(7, lane);
}

function differences(values: readonly number[]): number[] {
  return values.map((value, index) => value - (values[index - 1] ?? values[0] ?? 0));
}

function serverFrame(body: Buffer): ServerFrame {
  const [[kind, content] = [0, Buffer.alloc(0)]] = [...parse(body)];
  const fields = parse(content as Buffer);
  const uint = (field: number) => (fields.get(field) ?? 0) as number;
  const bytes = (field: number) => (fields.get(field) ?? Buffer.alloc(0)) as Buffer;
  switch (kind) {
    case 1:
      return {
        kind: 'welcome',
        ...{ maxFrameBytes: uint(1), windowFrames: uint(2), keepaliveS: uint(3), liveResumeSeq: uint(4) },
        ...{ backlogResumeSeq: uint(5), serverTimeMs: uint(6), backlogWindowFrames: uint(7), windowBytes: uint(8) },
        nextToken: bytes(9),
      };
    case 2:
      return { kind: 'ack', lane: uint(1), upToSeq: uint(2) };
    case 3:
      return {
        kind: 'nack',
        ...{ lane: uint(1), seq: uint(2), code: uint(3), retryAfterMs: uint(4), detail: bytes(5).toString() },
      };
    case 5:
      return { kind: 'pong', nonce: uint(1), serverTimeMs: uint(2) };
    case 6:
      return { kind: 'goodbye', code: uint(1), retryAfterMs: uint(2), detail: bytes(3).toString() };
    default:
      return { kind: 'other' };
  }
}

/** Varints as numbers, delimited fields as bytes; of a field that comes twice, the last. */
function parse(bytes: Buffer): Map<number, number | Buffer> {
  const fields = new Map<number, number | Buffer>();
  let position = 0;
  const number = () => {
    let value = 0;
    for (let factor = 1, byte = 128; byte >= 128; factor *= 128) {
      byte = bytes.readUInt8(position++);
      value += (byte & 127) * factor;
    }
    return value;
  };
  while (position < bytes.length) {
    const tag = number();
    if ((tag & 7) === varint) fields.set(tag >> 3, number());
    else if ((tag & 7) === delimited) {
      const length = number();
      fields.set(tag >> 3, bytes.subarray(position, position + length));
      position += length;
    } else throw new Error(`wire type ${tag & 7} is not expected from the server`);
  }
  return fields;
}
