import type { ErrorCode } from '@tidegate/errors';
import type { EndCode } from './door-codes';

/** The frames about one stream. Rows and keys come as JSON text and go out as that text: nothing is written out twice. */
export class StreamFrames {
  private readonly s: string;

  constructor(stream: string) {
    this.s = JSON.stringify(stream);
  }

  rows(json: string, cursor: string): string {
    return `{"t":"rows","s":${this.s},"c":"${cursor}","r":${json}}`;
  }
  gone(json: string, cursor: string): string {
    return `{"t":"gone","s":${this.s},"c":"${cursor}","k":${json}}`;
  }
  gap(reason: string, cursor: string): string {
    return `{"t":"gap","s":${this.s},"reason":"${reason}","c":"${cursor}"}`;
  }
  caughtUp(cursor: string): string {
    return `{"t":"caught-up","s":${this.s},"c":"${cursor}"}`;
  }
}

export function helloFrame(session: string, heartbeatSeconds: number): string {
  return JSON.stringify({ t: 'hello', session, heartbeatSeconds });
}

export function expiringFrame(inSeconds: number): string {
  return JSON.stringify({ t: 'expiring', inSeconds });
}

export function errorFrame(code: ErrorCode, detail: string, stream?: string): string {
  return JSON.stringify({ t: 'error', code, detail, s: stream });
}

export function byeFrame(code: EndCode, retryMs: number): string {
  return JSON.stringify({ t: 'bye', code, retryMs });
}
