import type { Status } from './status';

/** What a device knows of the time it gives. */
export const timeQualities = ['unspecified', 'synced', 'holdover', 'uptime-only'] as const;
export type TimeQuality = (typeof timeQualities)[number];

/** 0 live, 1 backlog. */
export type Lane = 0 | 1;

/** One measured value. */
export interface Reading {
  /** A channel number (Protobuf) or a name (SenML). */
  channel: number | string;
  /** The name was sent together with a base name, so it starts with the name of a device. */
  absoluteName?: true;
  unit?: string;
  /** Milliseconds since 1970, or counted from the time of the frame when `relative`. */
  timeMs: number;
  relative: boolean;
  /** NaN and infinities are passed on as they came. */
  value: number;
}

/** Of the fields of a device, 0 and '' mean that it did not say. */
export interface Hello {
  kind: 'hello';
  tenant: string;
  deviceId: string;
  bootId: number;
  token: Uint8Array;
  keepaliveS: number;
  schemaId: string;
  traceContext: Uint8Array;
  caps: number;
  deviceTimeMs: number;
  uptimeMs: number;
}

export interface Telemetry {
  kind: 'telemetry';
  lane: Lane;
  seq: number;
  timeQuality: TimeQuality;
  uptimeMs: number;
  readings: Reading[];
}

export interface CommandResult {
  kind: 'result';
  commandId: Uint8Array;
  status: number;
  payload: Uint8Array;
}

export interface Ping {
  kind: 'ping';
  nonce: number;
  deviceTimeMs: number;
}

export interface Bye {
  kind: 'bye';
  reason: number;
}

/** What a device sends, whatever its codec. */
export type ClientFrame = Hello | Telemetry | CommandResult | Ping | Bye;

export interface Welcome {
  kind: 'welcome';
  maxFrameBytes: number;
  windowFrames: number;
  backlogWindowFrames: number;
  windowBytes: number;
  keepaliveS: number;
  /** The next expected `seq`; 0: unknown, send from the oldest that is not acknowledged. */
  liveResumeSeq: number;
  backlogResumeSeq: number;
  serverTimeMs: number;
  /** Replaces the device's token. */
  nextToken?: Uint8Array;
}

export interface Ack {
  kind: 'ack';
  lane: Lane;
  upToSeq: number;
}

export interface Nack {
  kind: 'nack';
  lane: number;
  seq: number;
  status: Status;
  retryAfterMs?: number;
  detail?: string;
}

interface Command {
  kind: 'command';
  commandId: Uint8Array;
  deadlineMs: number;
  name: string;
  payload: Uint8Array;
}

interface Pong {
  kind: 'pong';
  nonce: number;
  serverTimeMs: number;
}

interface Goodbye {
  kind: 'goodbye';
  status: Status;
  retryAfterMs?: number;
  detail?: string;
}

/** What the server sends, whatever the codec of the device. */
export type ServerFrame = Welcome | Ack | Nack | Command | Pong | Goodbye;
