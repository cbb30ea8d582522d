import type { Logger } from '@tidegate/telemetry';

export interface WatchedTextOptions<T> {
  /** What is watched, for logs and health. */
  name: string;
  /** Undefined: there is none, which is good too. */
  read: () => Promise<string | undefined>;
  /** @throws Error with a message that may be logged */
  parse: (text: string | undefined) => T;
  now: () => number;
  logger?: Logger | undefined;
}

/** Something that is read again and again, with its last good value. */
export class WatchedText<T> {
  /** Undefined until it was good for the first time. */
  value: T | undefined;
  problem: string | undefined;
  private text: string | undefined;
  private goodAtMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: WatchedTextOptions<T>) {}

  /** How long ago it was good. */
  get staleMs(): number {
    return this.options.now() - this.goodAtMs;
  }

  /** Never rejects. */
  async refresh(): Promise<void> {
    try {
      const text = await this.options.read();
      this.take(() => text);
    } catch (error) {
      this.take(() => {
        throw error;
      });
    }
  }

  take(read: () => string | undefined): void {
    const { name, parse, now, logger } = this.options;
    try {
      const text = read();
      if (this.value === undefined || text !== this.text) this.value = parse(text);
      this.text = text;
      this.goodAtMs = now();
      if (this.problem !== undefined) logger?.info({ source: name }, 'can be read again');
      this.problem = undefined;
    } catch (error) {
      const reason = `${name}: ${error instanceof Error ? error.message : 'unreadable'}`;
      if (reason !== this.problem) logger?.error({ reason }, 'cannot be used');
      this.problem = reason;
    }
  }
}
