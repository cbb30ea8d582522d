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

export const fellSilent = 'The server fell silent.';

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

/** Breaks requests off when nobody is interested any more, and when nothing was heard for a while. */
export class Patience {
  private readonly leave = new AbortController();
  private readonly silence = new Silence(() => this.leave.abort(new Error(fellSilent)));

  constructor(private readonly wish: AbortSignal) {
    wish.addEventListener('abort', this.onLeft);
    if (wish.aborted) this.onLeft();
  }

  get signal(): AbortSignal {
    return this.leave.signal;
  }

  heard(forMs: number): void {
    this.silence.heard(forMs);
  }

  /** Whatever is still under way is broken off. */
  end(): void {
    this.silence.stop();
    this.wish.removeEventListener('abort', this.onLeft);
    this.leave.abort();
  }

  private readonly onLeft = () => this.leave.abort();
}
