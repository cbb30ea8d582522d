import { refusedStreamEntry, type AuditLog } from '@tidegate/audit';
import type { Authenticator, Principal } from '@tidegate/auth';
import type { ClientFrame } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import type { Spoke, StreamHub, StreamStart } from '@tidegate/streams';
import { requestContext, type Logger } from '@tidegate/telemetry';
import type { WebSocket } from 'ws';
import { parseClientMessage } from './client-message';
import { closeCodeOf, frameOutcomeOf, type EndCode } from './door-codes';
import { byeFrame, errorFrame, expiringFrame, helloFrame } from './frames';
import type { DoorsSettings } from './options';
import { startOf } from './start-query';
import { TokenBucket } from './token-bucket';
import { WebSocketSubscription, type FrameSender } from './websocket-subscription';

/** How long before its end a client is told that its token expires. */
const expiryNoticeMs = 60_000;

export interface ConnectionDeps {
  hub: Pick<StreamHub, 'subscribe'>;
  authenticator: Pick<Authenticator, 'bearer'>;
  settings: DoorsSettings;
  logger: Logger;
  /** Gets an event for each upgrade, and for each frame that asks for what the caller may not have. */
  audit?: Pick<AuditLog, 'record'> | undefined;
}

/** One open WebSocket: any number of streams for one caller. */
export class WebSocketConnection implements Spoke, FrameSender {
  private readonly subscriptions = new Map<string, WebSocketSubscription>();
  private readonly messages: TokenBucket;
  private badMessages = 0;
  private answered = true;
  private warned = false;
  private ending: { code: EndCode; retryMs: number } | undefined;
  private socket: WebSocket | undefined;
  private closed = false;
  /** Of the upgrade, also for what its frames ask for. */
  private readonly context = requestContext.get();

  constructor(
    readonly id: string,
    private principal: Principal,
    private readonly deps: ConnectionDeps,
  ) {
    const { messagesPerSecond, messageBurst } = deps.settings;
    this.messages = new TokenBucket(messagesPerSecond, messageBurst, Date.now());
  }

  /** @throws what `StreamHub.subscribe` does, `conflict` for a stream that is followed already, `rate_limited` */
  async subscribe(stream: string, start: StreamStart): Promise<void> {
    if (this.subscriptions.has(stream)) throw new AppError('conflict', 'You follow this stream already; unsub first.');
    const most = this.deps.settings.subscriptions;
    if (this.subscriptions.size >= most) throw new AppError('unprocessable', `At most ${most} streams a connection.`);
    const subscription = new WebSocketSubscription(stream, this);
    this.subscriptions.set(stream, subscription);
    try {
      const principal = this.principal;
      subscription.session = await this.deps.hub.subscribe(principal, stream, start, subscription);
      if (this.subscriptions.get(stream) !== subscription) return subscription.session.close();
      // The token may have been refreshed while the hub was opening the stream.
      if (principal !== this.principal) subscription.session.updatePrincipal(this.principal);
    } catch (error) {
      if (this.subscriptions.get(stream) === subscription) this.subscriptions.delete(stream);
      throw error;
    }
  }

  /** From now on frames go both ways. */
  open(socket: WebSocket): void {
    this.socket = socket;
    socket.on('message', (data, isBinary) => this.take(data as Buffer, isBinary));
    socket.on('pong', () => (this.answered = true));
    socket.on('ping', () => this.countPing());
    // ws answers by itself with 1009, 1007 or 1002, and closes.
    socket.on('error', (error) => this.deps.logger.debug({ err: error, connection: this.id }, 'bad WebSocket frame'));
    socket.on('close', () => this.leave());
    this.send(helloFrame(this.id, Math.round(this.deps.settings.pingMs / 1_000)));
  }

  /** Ends all sessions. Nothing is sent. */
  leave(): void {
    this.closed = true;
    const all = [...this.subscriptions.values()];
    this.subscriptions.clear();
    for (const { session } of all) session?.close();
  }

  beat(): void {
    if (!this.answered) return void this.socket?.terminate();
    this.answered = false;
    this.socket?.ping();
  }

  /** Sessions end with their token by themselves; a connection that follows nothing has to be looked at. */
  checkExpiry(nowMs: number): void {
    if (this.subscriptions.size > 0) return;
    if (this.principal.withdrawn?.aborted === true) return this.end('access_withdrawn');
    const leftMs = this.principal.expiresAtMs - nowMs;
    if (leftMs <= 0) this.end('token_expired');
    else if (leftMs <= expiryNoticeMs) this.warn(Math.ceil(leftMs / 1_000));
  }

  /** Every stream says its last cursor, then the connection goodbye. */
  drain(): void {
    for (const { session } of [...this.subscriptions.values()]) session?.end('restart');
    this.end('restart');
  }

  /** Why it must go again at once. */
  turnAway(error: AppError): void {
    this.refuse(error, undefined);
  }

  /** Says goodbye once whatever else is to be said in this turn has been: each stream's last cursor, above all. */
  end(code: EndCode, afterMs = this.retryMs()): void {
    if (this.ending !== undefined || this.socket === undefined) return;
    this.ending = { code, retryMs: afterMs };
    setImmediate(() => this.finish(code, afterMs));
  }

  get bufferedBytes(): number {
    return this.socket?.bufferedAmount ?? 0;
  }

  warn(inSeconds: number): void {
    if (this.warned) return;
    this.warned = true;
    this.send(expiringFrame(inSeconds));
  }

  send(frame: string): void {
    // What a session says while it ends, its last cursor, still has to go out.
    if (!this.closed) this.socket?.send(frame);
  }

  private finish(code: EndCode, afterMs: number): void {
    const { socket } = this;
    if (socket === undefined || this.closed) return;
    socket.send(byeFrame(code, afterMs));
    socket.close(closeCodeOf[code], code);
    this.leave();
    const cut = setTimeout(() => socket.terminate(), this.deps.settings.closeTimeoutMs).unref();
    socket.once('close', () => clearTimeout(cut));
  }

  /** ws has answered it already; that costs as much as a message does. */
  private countPing(): void {
    this.answered = true;
    if (!this.messages.take(Date.now())) this.refuse(new AppError('rate_limited', 'Too many pings.'), undefined);
  }

  private retryMs(): number {
    return Math.floor(Math.random() * this.deps.settings.retrySpreadMs);
  }

  private take(bytes: Buffer, isBinary: boolean): void {
    if (this.ending !== undefined) return;
    this.answered = true;
    let stream: string | undefined;
    const work = async () => {
      if (!this.messages.take(Date.now())) throw new AppError('rate_limited', 'Too many messages.');
      const frame = parseClientMessage(bytes, isBinary);
      stream = 's' in frame ? frame.s : undefined;
      await this.obey(frame);
    };
    const inContext = () => work().catch((error: unknown) => this.refuse(AppError.from(error), stream));
    void (this.context === undefined ? inContext() : requestContext.run(this.context, inContext));
  }

  private async obey(frame: ClientFrame): Promise<void> {
    switch (frame.t) {
      case 'sub': {
        const { t: _, s: stream, ...start } = frame;
        return this.subscribe(stream, startOf(start));
      }
      case 'unsub':
        return this.unsubscribe(frame.s);
      case 'ack':
        return this.followed(frame.s).acknowledge(frame.c);
      case 'auth':
        return this.refresh(await this.deps.authenticator.bearer(frame.token, { proven: this.principal.confirmation }));
    }
  }

  private unsubscribe(stream: string): void {
    const { session } = this.followed(stream);
    this.subscriptions.delete(stream);
    session?.close();
  }

  private followed(stream: string): WebSocketSubscription {
    const subscription = this.subscriptions.get(stream);
    if (subscription === undefined) throw new AppError('not_found', 'You do not follow this stream.');
    return subscription;
  }

  private refresh(principal: Principal): void {
    if (principal.subject !== this.principal.subject || principal.tenant !== this.principal.tenant) {
      throw new AppError('permission_denied', 'The token is of another caller; open a connection of its own for it.');
    }
    this.principal = principal;
    this.warned = false;
    for (const { session } of [...this.subscriptions.values()]) session?.updatePrincipal(principal);
  }

  private refuse(error: AppError, stream: string | undefined): void {
    if (this.closed || this.ending !== undefined) return;
    const { logger, settings } = this.deps;
    if (error.code === 'internal') logger.error({ err: error, connection: this.id }, 'a frame could not be obeyed');
    const refusal = refusedStreamEntry({ principal: this.principal, stream, code: error.code, ...this.context });
    if (refusal !== undefined) this.deps.audit?.record(refusal);
    this.send(errorFrame(error.code, error.message, stream));
    const outcome = frameOutcomeOf[error.code];
    if (outcome === 'bad' && ++this.badMessages >= settings.badMessages) this.end('bad_message');
    if (outcome !== 'bad' && outcome !== 'refused') this.end(outcome);
  }
}
