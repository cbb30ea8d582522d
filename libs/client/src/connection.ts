import type { ClientFrame, ServerFrame } from '@tidegate/contracts';
import type { StreamError } from './stream-error';

export type SubscribeFields = Omit<Extract<ClientFrame, { t: 'sub' }>, 't' | 's'>;

/** How a connection ended that may be made again. */
export interface Ending {
  reason: string;
  /** What the server asks to wait. */
  retryMs?: number | undefined;
}

/** What a transport needs of whoever follows the stream. */
export interface Wish {
  url: string;
  stream: string;
  start: SubscribeFields;
  token: () => Promise<string>;
  parse: (text: string) => unknown;
  /** Aborted when nobody is interested any more. */
  signal: AbortSignal;
  /** The server speaks with us. */
  opened: (send?: (frame: ClientFrame) => void) => void;
  /** Throws what a callback throws. */
  take: (frame: ServerFrame) => void;
  refused: (error: StreamError) => void;
}

/** Follows a stream over one connection until that ends. Rejects with a StreamError when another one would not help. */
export type Transport = (wish: Wish) => Promise<Ending>;

/** Calls `late` when nothing was heard for a while. */
export class Silence {
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly late: () => void) {}

  heard(forMs: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(this.late, forMs);
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}
