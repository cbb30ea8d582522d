import type { Logger } from '@tidegate/telemetry';
import { z } from 'zod';
import type { Principal } from './principal';
import { changeText, type SharedText } from './shared-text';
import { WatchedText } from './watched-text';

/** By caller: tokens issued until then, in seconds since the epoch, are refused. */
const schema = z.record(z.string(), z.number());

type Caller = Pick<Principal, 'subject' | 'tenant'>;

export interface SignOutsDeps {
  now?: () => number;
  logger?: Logger | undefined;
}

const refreshMs = 1_000;
/** No token lives longer, so that what is older need not be remembered. */
const longestTokenSeconds = 25 * 3_600;

/**
 * Callers whose tokens were taken back before their end: who left, or got other roles. Every replica reads them once a
 * second; what the tokens hold open ends, and a token that is issued later is taken.
 */
export class SignOuts {
  private readonly watched: WatchedText<Map<string, number>>;
  private readonly timer: NodeJS.Timeout;
  private readonly now: () => number;
  private readonly signals = new Map<string, WeakRef<AbortSignal>>();
  /** Lives as long as a principal holds the signal. */
  private readonly controllers = new WeakMap<AbortSignal, AbortController>();
  private readonly forgotten = new FinalizationRegistry<string>((key) => this.forget(key));

  constructor(
    private readonly text: SharedText,
    { now = Date.now, logger }: SignOutsDeps = {},
  ) {
    this.now = now;
    this.watched = new WatchedText({ name: 'sign-outs', read: () => text.read(), parse, now, logger });
    this.timer = setInterval(() => void this.refresh(), refreshMs);
    this.timer.unref();
  }

  /** Whether a token of the caller that was issued then is taken back. One that does not say when may be an old one. */
  isOut(caller: Caller, issuedAtSeconds: unknown): boolean {
    const until = this.watched.value?.get(keyOf(caller));
    return until !== undefined && !(typeof issuedAtSeconds === 'number' && issuedAtSeconds > until);
  }

  /** Aborted when the caller is signed out. */
  signalOf(caller: Caller): AbortSignal {
    const key = keyOf(caller);
    const known = this.signals.get(key)?.deref();
    if (known !== undefined) return known;
    const controller = new AbortController();
    this.controllers.set(controller.signal, controller);
    this.signals.set(key, new WeakRef(controller.signal));
    this.forgotten.register(controller.signal, key);
    return controller.signal;
  }

  /** Takes back all tokens of the caller that were issued until now. @throws AppError `unavailable` */
  async signOut(caller: Caller): Promise<void> {
    const nowSeconds = Math.floor(this.now() / 1_000);
    await changeText(this.text, (before) => {
      const kept = [...parse(before)].filter(([, seconds]) => seconds > nowSeconds - longestTokenSeconds);
      return JSON.stringify(Object.fromEntries([...kept, [keyOf(caller), nowSeconds]]));
    });
    await this.refresh();
  }

  /** Reads them now. */
  async refresh(): Promise<void> {
    const before = this.watched.value;
    await this.watched.refresh();
    if (this.watched.value === before) return;
    for (const [key, seconds] of this.watched.value ?? []) if (before?.get(key) !== seconds) this.withdraw(key);
  }

  close(): void {
    clearInterval(this.timer);
  }

  /** Unless the caller has come back, and has another signal. */
  private forget(key: string): void {
    if (this.signals.get(key)?.deref() === undefined) this.signals.delete(key);
  }

  private withdraw(key: string): void {
    const signal = this.signals.get(key)?.deref();
    this.signals.delete(key);
    if (signal !== undefined) this.controllers.get(signal)?.abort();
  }
}

function keyOf({ tenant = '', subject }: Caller): string {
  return `${tenant}/${subject}`;
}

function parse(text = '{}'): Map<string, number> {
  return new Map(Object.entries(schema.parse(JSON.parse(text))));
}
