import { ByteWriter } from './bytes.ts';
import { scaled, type DeviceCodec, type ServerFrame, type TelemetryFrame, type WelcomeFrame } from './frames.ts';

type Item = number | bigint | string | Uint8Array | Item[] | Map<number, Item> | { decimal: [number, number] };

/** Written by hand from RFC 8949 and RFC 8428. */
export const cborCodec: DeviceCodec = {
  id: 2,
  hello: (frame) =>
    encode([
      1,
      new Map<number, Item>([
        [1, frame.tenant],
        [2, frame.deviceId],
        [3, frame.bootId],
        [4, frame.token],
        [5, frame.keepaliveS],
        [7, frame.schemaId],
        [11, frame.uptimeMs],
      ]),
    ]),
  telemetry: (frame) => encode([2, frame.lane, frame.seq, 1, frame.uptimeMs, pack(frame)]),
  ping: (nonce) => encode([4, nonce, Date.now()]),
  bye: (reason) => encode([5, reason]),
  decode: serverFrame,
};

/** SenML: base time in the first record, then name, time and value; channels by their numbers, which the schema names. */
function pack({ batch: { times, channels } }: TelemetryFrame): Item[] {
  const [base = 0] = times;
  const records = channels.flatMap(({ number, digits, values }) =>
    values.map((value, index) => {
      const record = new Map<number, Item>([[0, String(number)]]);
      const offsetMs = (times[index] ?? base) - base;
      if (offsetMs !== 0) record.set(6, offsetMs % 1000 === 0 ? offsetMs / 1000 : { decimal: [-3, offsetMs] });
      const integer = scaled(value, digits);
      return record.set(2, digits === 0 ? integer : { decimal: [-digits, integer] });
    }),
  );
  records[0]?.set(-3, base % 1000 === 0 ? base / 1000 : { decimal: [-3, base] });
  return records;
}

function encode(item: Item): Buffer {
  const out = new ByteWriter();
  write(out, item);
  return out.finish();
}

function write(out: ByteWriter, item: Item): void {
  if (typeof item === 'number' || typeof item === 'bigint')
    head(out, item < 0 ? 1 : 0, item < 0 ? -1n - BigInt(item) : item);
  else if (typeof item === 'string') head(out, 3, Buffer.byteLength(item)).bytes(Buffer.from(item));
  else if (item instanceof Uint8Array) head(out, 2, item.length).bytes(item);
  else if (Array.isArray(item)) {
    head(out, 4, item.length);
    for (const one of item) write(out, one);
  } else if (item instanceof Map) {
    head(out, 5, item.size);
    for (const [key, value] of item) {
      write(out, key);
      write(out, value);
    }
  } else {
    head(out, 6, 4);
    write(out, item.decimal);
  }
}

function head(out: ByteWriter, major: number, value: number | bigint): ByteWriter {
  if (value < 24) return out.byte((major << 5) | Number(value));
  if (value < 2 ** 8) return out.byte((major << 5) | 24).uint(value, 1);
  if (value < 2 ** 16) return out.byte((major << 5) | 25).uint(value, 2);
  if (value < 2 ** 32) return out.byte((major << 5) | 26).uint(value, 4);
  return out.byte((major << 5) | 27).uint(value, 8);
}

type Decoded = number | string | Buffer | Decoded[] | Map<Decoded, Decoded>;

function serverFrame(body: Buffer): ServerFrame {
  const [kind, ...items] = new Reader(body).item() as Decoded[];
  const number = (index: number) => (items[index] ?? 0) as number;
  const text = (index: number) => (items[index] ?? '') as string;
  switch (kind) {
    case 65:
      return welcome(items[0] as Map<number, Decoded>);
    case 66:
      return { kind: 'ack', lane: number(0), upToSeq: number(1) };
    case 67: {
      const [lane, seq, code, retryAfterMs] = [number(0), number(1), number(2), number(3)];
      return { kind: 'nack', lane, seq, code, retryAfterMs, detail: text(4) };
    }
    case 69:
      return { kind: 'pong', nonce: number(0), serverTimeMs: number(1) };
    case 70:
      return { kind: 'goodbye', code: number(0), retryAfterMs: number(1), detail: text(2) };
    default:
      return { kind: 'other' };
  }
}

function welcome(fields: Map<number, Decoded>): WelcomeFrame {
  const uint = (key: number) => (fields.get(key) ?? 0) as number;
  return {
    kind: 'welcome',
    ...{ maxFrameBytes: uint(1), windowFrames: uint(2), keepaliveS: uint(3), liveResumeSeq: uint(4) },
    ...{ backlogResumeSeq: uint(5), serverTimeMs: uint(6), backlogWindowFrames: uint(7), windowBytes: uint(8) },
    nextToken: (fields.get(9) ?? Buffer.alloc(0)) as Buffer,
  };
}

/** Of the server's frames, that is: integers, strings, arrays, maps. */
class Reader {
  private position = 0;
  private readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  item(): Decoded {
    const initial = this.uint(1);
    const argument = initial & 31;
    const value = argument < 24 ? argument : this.uint(1 << (argument - 24));
    switch (initial >> 5) {
      case 0:
        return value;
      case 1:
        return -1 - value;
      case 2:
        return this.slice(value);
      case 3:
        return this.slice(value).toString();
      case 4:
        return Array.from({ length: value }, () => this.item());
      case 5:
        return new Map(Array.from({ length: value }, () => [this.item(), this.item()] as const));
      default:
        throw new Error(`major type ${initial >> 5} is not expected from the server`);
    }
  }

  private uint(bytes: number): number {
    let value = 0;
    for (const byte of this.slice(bytes)) value = value * 256 + byte;
    return value;
  }

  private slice(length: number): Buffer {
    this.position += length;
    return this.bytes.subarray(this.position - length, this.position);
  }
}
