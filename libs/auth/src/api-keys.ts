import { AppError } from '@tidegate/errors';
import { Counter, type Health, type HealthCheck, type Logger, type Registry } from '@tidegate/telemetry';
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { hashApiKey, parseApiKey } from './api-key';
import { parseApiKeysFile, type StoredKey } from './api-keys-file';
import { unauthenticated } from './authenticator';
import type { Principal } from './principal';

export const apiKeysOptionsSchema = z.object({
  /** Clients and the hashes of their keys. A file that is not there means that nobody has a key. */
  file: z.string().min(1),
  /** Keys the hashes, so that whoever has only the file cannot check a guess. */
  pepper: z.string().min(32),
  /** The installation whose keys are taken. */
  environment: z
    .string()
    .regex(/^[a-z]{2,8}$/)
    .default('dev'),
  /** How often the file is read again: a revoked key is refused after this at the latest. */
  refreshMs: z.number().int().min(50).max(5_000).default(1_000),
  /** How long the last good keys stand in for a file that has become unreadable; then every key is `unavailable`. */
  maxStaleMs: z.number().int().min(0).default(60_000),
});

export type ApiKeysOptions = z.input<typeof apiKeysOptionsSchema>;

export interface ApiKeysDeps {
  logger?: Logger;
  /** Gets `tidegate_api_keys_refused_total`, by reason. */
  registry?: Registry;
  now?: () => number;
}

interface Holder {
  key: StoredKey;
  principal: Principal;
  withdrawn: AbortController;
}

/** What an unknown id is compared with, so that it costs the time of a wrong secret. */
const nobodysHash = randomBytes(32);

/** The API keys of clients, by their hashes. Reads its file again by itself; a key that goes ends what it still holds open. */
export class ApiKeys implements HealthCheck {
  readonly name = 'api-keys';
  readonly required = false;
  private readonly options: z.output<typeof apiKeysOptionsSchema>;
  private readonly now: () => number;
  private readonly refused: Counter<'reason'> | undefined;
  private readonly timer: NodeJS.Timeout;
  private holders = new Map<string, Holder>();
  private text: string | undefined;
  private problem: string | undefined;
  private goodAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    options: ApiKeysOptions,
    private readonly deps: ApiKeysDeps = {},
  ) {
    this.options = apiKeysOptionsSchema.parse(options);
    this.now = deps.now ?? Date.now;
    this.refused = deps.registry && refusedCounter(deps.registry);
    this.take(() => readFileSync(this.options.file, 'utf8'));
    this.timer = setInterval(() => void this.refresh(), this.options.refreshMs);
    this.timer.unref();
  }

  /**
   * Whose key it is.
   * @throws AppError `unauthenticated`, the same for every reason; `unavailable` while nobody can say which keys are good
   */
  verify(text: string): Principal {
    const parsed = parseApiKey(text);
    if (parsed?.environment !== this.options.environment) throw this.refusal('malformed');
    if (this.now() - this.goodAtMs > this.options.maxStaleMs) {
      throw new AppError('unavailable', 'API keys cannot be checked at the moment.', { retryAfterMs: 2_000 });
    }
    const holder = this.holders.get(parsed.id);
    const matches = timingSafeEqual(hashApiKey(parsed, this.options.pepper), holder?.key.hash ?? nobodysHash);
    if (holder === undefined || !matches) throw this.refusal('unknown');
    if (holder.key.expiresAtMs <= this.now()) throw this.refusal('expired');
    return holder.principal;
  }

  check(): Health {
    return this.problem === undefined ? { ok: true } : { ok: false, reason: this.problem };
  }

  close(): void {
    clearInterval(this.timer);
  }

  /** Reads the file now. */
  async refresh(): Promise<void> {
    const read = await readFile(this.options.file, 'utf8').then(
      (text) => () => text,
      (error: unknown) => () => {
        throw error;
      },
    );
    this.take(read);
  }

  private take(read: () => string): void {
    try {
      const text = textOf(read);
      if (text !== this.text) this.replace(parseApiKeysFile(text, this.now()));
      this.text = text;
      this.goodAtMs = this.now();
      if (this.problem !== undefined) this.deps.logger?.info('the file of API keys is good again');
      this.problem = undefined;
    } catch (error) {
      const reason = `${this.options.file}: ${error instanceof Error ? error.message : 'unreadable'}`;
      if (reason !== this.problem) this.deps.logger?.error({ reason }, 'the file of API keys cannot be used');
      this.problem = reason;
    }
  }

  private replace(keys: ReadonlyMap<string, StoredKey>): void {
    const holders = new Map<string, Holder>();
    for (const [id, key] of keys) {
      const known = this.holders.get(id);
      holders.set(id, known !== undefined && isSame(known.key, key) ? known : holderOf(key));
    }
    const gone = [...this.holders].filter(([id, holder]) => holders.get(id) !== holder);
    this.holders = holders;
    for (const [, { withdrawn }] of gone) withdrawn.abort();
    this.deps.logger?.info({ keys: holders.size, withdrawn: gone.map(([id]) => id) }, 'API keys read');
  }

  private refusal(reason: 'malformed' | 'unknown' | 'expired'): AppError {
    this.refused?.inc({ reason });
    return unauthenticated(`API key: ${reason}`);
  }
}

function textOf(read: () => string): string {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '{"clients":{}}';
    throw error;
  }
}

function holderOf(key: StoredKey): Holder {
  const withdrawn = new AbortController();
  const principal: Principal = Object.freeze({
    subject: key.client,
    tenant: key.tenant,
    roles: Object.freeze([...key.roles]),
    clientId: key.client,
    method: 'api-key',
    credentialId: key.id,
    scopes: Object.freeze([...key.scopes]),
    expiresAtMs: key.expiresAtMs,
    withdrawn: withdrawn.signal,
    claims: Object.freeze({}),
  });
  return { key, principal, withdrawn };
}

function isSame(one: StoredKey, other: StoredKey): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function refusedCounter(registry: Registry): Counter<'reason'> {
  const name = 'tidegate_api_keys_refused_total';
  const known = registry.getSingleMetric(name);
  if (known instanceof Counter) return known;
  return new Counter({ name, help: 'API keys that were refused', labelNames: ['reason'], registers: [registry] });
}
