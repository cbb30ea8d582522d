import { AppError } from '@tidegate/errors';
import { Counter, type Health, type HealthCheck, type Logger, type Registry } from '@tidegate/telemetry';
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { hashApiKey, parseApiKey } from './api-key';
import { parseApiKeysFile, storedKeys, type Clients, type StoredKey } from './api-keys-file';
import type { CredentialMethod, Principal } from './principal';
import { unauthenticated } from './refusal';
import { parseSharedKeys, withShared, type SharedKeys } from './shared-keys';
import type { SharedText } from './shared-text';
import { WatchedText } from './watched-text';

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
  /** How often the file, and what replicas share, is read again: a revoked key is refused after this at the latest. */
  refreshMs: z.number().int().min(50).max(5_000).default(1_000),
  /** How long the last good keys stand in for what has become unreadable; then every key is `unavailable`, and what they hold open ends. */
  maxStaleMs: z.number().int().min(0).default(60_000),
});

export type ApiKeysOptions = z.input<typeof apiKeysOptionsSchema>;

export interface ApiKeysDeps {
  logger?: Logger;
  /** Gets `tidegate_api_keys_refused_total`, by reason. */
  registry?: Registry;
  now?: () => number;
  /** What replicas share beside the file. */
  shared?: SharedText;
}

interface Holder {
  key: StoredKey;
  principal: Principal;
  withdrawn: AbortController;
}

/** What an unknown id is compared with, so that it costs the time of a wrong secret. */
const nobodysHash = randomBytes(32);
/** Replicas share what they share by Redis, whose connection is made while the app starts. */
const firstReadMs = 25;

/**
 * The API keys and certificates of clients. Reads where they are again by itself; one that goes ends what it still holds
 * open, and so do all when nobody can say any more which are good.
 */
export class ApiKeys implements HealthCheck {
  readonly name = 'api-keys';
  readonly required = false;
  private readonly options: z.output<typeof apiKeysOptionsSchema>;
  private readonly now: () => number;
  private readonly refused: Counter<'reason'> | undefined;
  private readonly timer: NodeJS.Timeout;
  private readonly file: WatchedText<Clients>;
  private readonly shared: WatchedText<SharedKeys> | undefined;
  private holders = new Map<string, Holder>();

  constructor(
    options: ApiKeysOptions,
    private readonly deps: ApiKeysDeps = {},
  ) {
    this.options = apiKeysOptionsSchema.parse(options);
    const { now = Date.now, logger, shared } = deps;
    this.now = now;
    this.refused = deps.registry && refusedCounter(deps.registry);
    const { file } = this.options;
    const parse = (text = '{"clients":{}}') => parseApiKeysFile(text, now());
    this.file = new WatchedText({
      name: file,
      read: () => readFile(file, 'utf8').catch(noneIfMissing),
      parse,
      now,
      logger,
    });
    this.file.take(() => readNow(file));
    if (shared !== undefined) {
      this.shared = new WatchedText({
        name: 'shared keys',
        read: () => shared.read(),
        parse: (text) => parseSharedKeys(text, this.options.pepper),
        now,
        logger,
      });
    }
    this.replace();
    this.timer = setInterval(() => void this.refresh(), this.options.refreshMs);
    this.timer.unref();
  }

  /** Once everything was read for the first time, or could not be for so long. */
  async ready(timeoutMs: number): Promise<void> {
    const lastMs = Date.now() + timeoutMs;
    for (await this.refresh(); this.isUnknown && Date.now() < lastMs; await this.refresh()) await delay(firstReadMs);
  }

  /**
   * Whose key it is.
   * @throws AppError `unauthenticated`, the same for every reason; `unavailable` while nobody can say which keys are good
   */
  verify(text: string): Principal {
    const parsed = parseApiKey(text);
    if (parsed?.environment !== this.options.environment) throw this.refusal('malformed');
    this.checkKnown();
    const holder = this.holders.get(parsed.id);
    const matches = timingSafeEqual(hashApiKey(parsed, this.options.pepper), holder?.key.hash ?? nobodysHash);
    if (holder === undefined || !matches) throw this.refusal('unknown');
    return this.unexpired(holder);
  }

  /** Whose client certificate it is, by its SHA-256. @throws AppError as `verify` does */
  verifyCertificate(thumbprint: string): Principal {
    this.checkKnown();
    const holder = this.holders.get(thumbprint);
    if (holder === undefined || holder.key.hash !== undefined) throw this.refusal('unknown');
    return this.unexpired(holder);
  }

  /** What there is and was not revoked; expired ones too. */
  list(): StoredKey[] {
    return [...this.holders.values()].map(({ key }) => key);
  }

  /** The clients of the file, which say who they are. */
  get clientsOfFile(): Clients {
    return this.file.value ?? {};
  }

  check(): Health {
    const problem = this.file.problem ?? this.shared?.problem;
    return problem === undefined ? { ok: true } : { ok: false, reason: problem };
  }

  close(): void {
    clearInterval(this.timer);
  }

  /** Reads everything now. */
  async refresh(): Promise<void> {
    const before = [this.file.value, this.shared?.value];
    await Promise.all([this.file.refresh(), this.shared?.refresh()]);
    const [file, shared] = before;
    if (this.file.value !== file || this.shared?.value !== shared || this.isUnknown !== (this.holders.size === 0))
      this.replace();
  }

  private get isUnknown(): boolean {
    return [this.file, ...(this.shared === undefined ? [] : [this.shared])].some(
      ({ staleMs }) => staleMs > this.options.maxStaleMs,
    );
  }

  private checkKnown(): void {
    if (!this.isUnknown) return;
    throw new AppError('unavailable', 'API keys cannot be checked at the moment.', { retryAfterMs: 2_000 });
  }

  private replace(): void {
    const shared = this.shared?.value ?? { clients: {}, revoked: {} };
    const keys = this.isUnknown ? new Map<string, StoredKey>() : storedKeys(withShared(this.clientsOfFile, shared));
    const holders = new Map<string, Holder>();
    for (const [id, key] of keys) {
      const known = this.holders.get(id);
      holders.set(id, known !== undefined && isSame(known.key, key) ? known : holderOf(key));
    }
    const gone = [...this.holders].filter(([id, holder]) => holders.get(id) !== holder);
    if (gone.length === 0 && holders.size === this.holders.size) return;
    this.holders = holders;
    for (const [, { withdrawn }] of gone) withdrawn.abort();
    this.deps.logger?.info({ keys: holders.size, withdrawn: gone.map(([id]) => id) }, 'API keys read');
  }

  private unexpired({ key, principal }: Holder): Principal {
    if (key.expiresAtMs <= this.now()) throw this.refusal('expired');
    return principal;
  }

  private refusal(reason: 'malformed' | 'unknown' | 'expired'): AppError {
    this.refused?.inc({ reason });
    return unauthenticated(`API key: ${reason}`);
  }
}

function readNow(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    return noneIfMissing(error);
  }
}

function noneIfMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}

function holderOf(key: StoredKey): Holder {
  const withdrawn = new AbortController();
  const principal: Principal = Object.freeze({
    subject: key.client,
    tenant: key.tenant,
    roles: Object.freeze([...key.roles]),
    clientId: key.client,
    method: (key.hash === undefined ? 'certificate' : 'api-key') satisfies CredentialMethod,
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
