/** What the simulator says and hears, whatever the codec. The codecs here share no code with the server's. */
export interface HelloFrame {
  tenant: string;
  deviceId: string;
  bootId: number;
  token: Uint8Array;
  keepaliveS: number;
  schemaId: string;
  uptimeMs: number;
}

/** Samples taken at the same times. */
export interface Batch {
  /** Milliseconds since 1970, ascending. */
  times: number[];
  channels: Channel[];
}

interface Channel {
  number: number;
  /** Decimal digits that the values keep. */
  digits: number;
  /** One for each time. */
  values: number[];
}

export interface TelemetryFrame {
  lane: 0 | 1;
  seq: number;
  uptimeMs: number;
  batch: Batch;
}

export interface WelcomeFrame {
  kind: 'welcome';
  maxFrameBytes: number;
  windowFrames: number;
  keepaliveS: number;
  liveResumeSeq: number;
  backlogResumeSeq: number;
  serverTimeMs: number;
  backlogWindowFrames: number;
  windowBytes: number;
  nextToken: Uint8Array;
}

export type ServerFrame =
  | WelcomeFrame
  | { kind: 'ack'; lane: number; upToSeq: number }
  | { kind: 'nack'; lane: number; seq: number; code: number; retryAfterMs: number; detail: string }
  | { kind: 'pong'; nonce: number; serverTimeMs: number }
  | { kind: 'goodbye'; code: number; retryAfterMs: number; detail: string }
  | { kind: 'other' };

export interface DeviceCodec {
  /** Of the preface. */
  readonly id: number;
  hello(frame: HelloFrame): Buffer;
  telemetry(frame: TelemetryFrame): Buffer;
  ping(nonce: number): Buffer;
  bye(reason: number): Buffer;
  decode(body: Buffer): ServerFrame;
}

export const codes = {
  unauthenticated: 1,
  forbidden: 2,
  malformed: 3,
  tooLarge: 4,
  unsupported: 5,
  rateLimited: 6,
  unavailable: 7,
  sessionTaken: 8,
  restart: 9,
  protocol: 10,
  timeout: 11,
} as const;

/** `value · 10^digits` as an integer. */
export function scaled(value: number, digits: number): number {
  return Math.round(value * 10 ** digits);
}
