import { AppError } from '@tidegate/errors';
import type { Logger } from '@tidegate/telemetry';
import { createLocalJWKSet, errors, type JWK, type JWTVerifyGetKey } from 'jose';
import { fetchKeys, KeySourceError, type KeySource } from './key-source';

export interface KeySetOptions {
  /** After this age keys are fetched again, beside the requests that go on with the old ones. */
  maxAgeMs: number;
  /** Between two fetches, whatever came of the first one. */
  cooldownMs: number;
  /** The same while nobody answered at all and no key was ever had: an issuer that starts after us. */
  firstRetryMs: number;
  fetchTimeoutMs: number;
}

type ResolveKey = ReturnType<typeof createLocalJWKSet>;

/**
 * The issuer's keys: cached, kept while the issuer is down, fetched by one request at a time and never more often than
 * the cooldown allows. Keys in hand never wait for a fetch.
 */
export class KeySet {
  private resolve: ResolveKey | undefined;
  private fetchedAtMs = -Infinity;
  private nextFetchAtMs = -Infinity;
  private fetching: Promise<void> | undefined;
  private lastFailure: unknown;

  constructor(
    private readonly source: KeySource,
    private readonly options: KeySetOptions,
    private readonly now: () => number,
    private readonly logger?: Logger,
  ) {}

  /** Whether keys were ever had. */
  get known(): boolean {
    return this.resolve !== undefined;
  }

  /** Fetches keys if none are there yet. Never fails. */
  async warmUp(): Promise<void> {
    if (!this.known) await this.refresh();
  }

  /** Finds the key of a token; throws jose's errors when there is none, AppError `unavailable` when none were ever had. */
  readonly keyFor: JWTVerifyGetKey = async (header, token) => {
    await this.warmUp();
    if (this.resolve === undefined) throw this.noKeys();
    if (this.now() - this.fetchedAtMs > this.options.maxAgeMs) void this.refresh();
    try {
      return await this.resolve(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      const before = this.resolve;
      await this.refresh();
      if (this.resolve === before) throw error;
      return this.resolve(header, token);
    }
  };

  private noKeys(): AppError {
    const retryAfterMs = Math.max(this.nextFetchAtMs - this.now(), 1_000);
    const options = { retryAfterMs, cause: this.lastFailure };
    return new AppError('unavailable', 'Tokens cannot be checked at the moment.', options);
  }

  // Joins the fetch under way; does nothing during the cooldown.
  private refresh(): Promise<void> {
    if (this.fetching !== undefined) return this.fetching;
    if (this.now() < this.nextFetchAtMs) return Promise.resolve();
    this.nextFetchAtMs = this.now() + this.options.cooldownMs;
    this.fetching = this.fetch().finally(() => (this.fetching = undefined));
    return this.fetching;
  }

  private async fetch(): Promise<void> {
    try {
      this.take(await fetchKeys(this.source, this.options.fetchTimeoutMs));
    } catch (error) {
      this.lastFailure = error;
      const silent = error instanceof KeySourceError && !error.answered;
      if (silent && !this.known) this.nextFetchAtMs = this.now() + this.options.firstRetryMs;
      this.logger?.warn({ err: error, issuer: this.source.issuer, keysKept: this.known }, 'keys could not be fetched');
    }
  }

  // An empty set must not throw away good keys; it is an answer all the same, so that unknown keys are refused.
  private take(keys: JWK[]): void {
    if (keys.length === 0) this.logger?.warn({ issuer: this.source.issuer }, 'the issuer publishes no usable key');
    if (keys.length > 0 || this.resolve === undefined) this.resolve = createLocalJWKSet({ keys });
    if (keys.length > 0) this.fetchedAtMs = this.now();
  }
}
