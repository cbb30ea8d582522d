import { AppError } from '@tidegate/errors';
import { Client } from 'pg';
import { translate } from './errors';
import { clientConfig, type PostgresOptions } from './options';
import { Connection, type Queryable, type Result, type Row } from './pool';

export interface SessionListener {
  /** A NOTIFY on a channel that the session listens to. */
  onNotification?(channel: string, payload: string): void;
  /** The connection is gone, and with it the session's locks. Not called after `close`. */
  onLost?(): void;
}

/** A connection of its own, outside any pool, for what lives as long as a connection: advisory locks and LISTEN. */
export class Session implements Queryable {
  private lost = false;
  private closing = false;

  private constructor(
    private readonly client: Client,
    private readonly connection: Connection,
    listener: SessionListener,
  ) {
    client.on('notification', ({ channel, payload }) => listener.onNotification?.(channel, payload ?? ''));
    client.on('error', () => this.lose(listener));
    client.on('end', () => this.lose(listener));
  }

  /** @throws AppError `unavailable` */
  static async open(options: PostgresOptions, listener: SessionListener = {}): Promise<Session> {
    const client = new Client(clientConfig(options));
    const session = new Session(client, new Connection(client), listener);
    session.closing = true;
    await client.connect().catch(async (error: unknown) => {
      await client.end().catch(() => undefined);
      throw translate(error);
    });
    session.closing = false;
    return session;
  }

  get alive(): boolean {
    return !this.lost;
  }

  async query<R extends Row = Row>(text: string, values?: readonly unknown[]): Promise<Result<R>> {
    if (this.lost) throw new AppError('unavailable', 'The database connection was lost.', { retryAfterMs: 1_000 });
    return this.connection.query<R>(text, values);
  }

  async close(): Promise<void> {
    this.closing = true;
    if (!this.lost) await this.client.end().catch(() => undefined);
    this.lost = true;
  }

  private lose(listener: SessionListener): void {
    if (this.lost) return;
    this.lost = true;
    if (!this.closing) listener.onLost?.();
  }
}
