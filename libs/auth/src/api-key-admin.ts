import { AppError } from '@tidegate/errors';
import { generateApiKey, hashApiKey, parseApiKey } from './api-key';
import type { ApiKeys } from './api-keys';
import { isLive, maxLiveKeys, type Clients, type StoredKey } from './api-keys-file';
import { parseSharedKeys, sharedKeysText, withShared, type SharedKeys } from './shared-keys';
import { changeText, type SharedText } from './shared-text';

export interface NewApiKey {
  client: string;
  /** Who a client is that the file does not name; of one that it names, the file says it. */
  tenant?: string | undefined;
  roles?: readonly string[] | undefined;
  scopes: readonly string[];
  /** RFC 3339. */
  expiresAt: string;
}

export interface ApiKeyAdminOptions {
  keys: ApiKeys;
  shared: SharedText;
  pepper: string;
  environment: string;
  now?: () => number;
}

/** Makes and revokes API keys while the apps run; every replica follows within `refreshMs`. */
export class ApiKeyAdmin {
  constructor(private readonly options: ApiKeyAdminOptions) {}

  /** What there is and was not revoked. */
  async list(): Promise<StoredKey[]> {
    await this.options.keys.refresh();
    return this.options.keys.list();
  }

  /**
   * The text of the new key, which nobody can read again.
   * @throws AppError `conflict` for a third live key, `invalid_argument` for a client of whom nothing is known, `unavailable`
   */
  async create(wanted: NewApiKey): Promise<{ id: string; key: string }> {
    const { pepper, environment } = this.options;
    const key = generateApiKey(environment);
    const parsed = parseApiKey(key);
    if (parsed === undefined) throw new Error('a key that was just made cannot be read');
    const hash = hashApiKey(parsed, pepper).toString('base64url');
    const { scopes, expiresAt } = wanted;
    await this.change((shared, file) => {
      const client = this.clientOf(wanted, shared, file);
      client.keys.push({ id: parsed.id, hash, scopes: [...scopes], expiresAt });
      shared.clients[wanted.client] = client;
    });
    return { id: parsed.id, key };
  }

  /** Of a key or a certificate. @throws AppError `not_found`, `unavailable` */
  async revoke(id: string): Promise<void> {
    await this.options.keys.refresh();
    if (!this.options.keys.list().some((key) => key.id === id))
      throw new AppError('not_found', 'There is no such key.');
    await this.change((shared) => {
      for (const client of Object.values(shared.clients)) client.keys = client.keys.filter((key) => key.id !== id);
      shared.revoked[id] = new Date(this.nowMs).toISOString();
    });
  }

  private clientOf(wanted: NewApiKey, shared: SharedKeys, file: Clients): Clients[string] {
    const all = ownOf(withShared(file, shared), wanted.client);
    if (all !== undefined && all.keys.filter((key) => isLive(key, this.nowMs)).length >= maxLiveKeys) {
      throw new AppError('conflict', `The client has ${maxLiveKeys} live keys; revoke one first.`);
    }
    const known = ownOf(shared.clients, wanted.client);
    if (known !== undefined) return known;
    const { tenant, roles } = ownOf(file, wanted.client) ?? wanted;
    if (roles === undefined)
      throw new AppError('invalid_argument', 'Say the roles, and the tenant if it has one, of a new client.');
    return { ...(tenant !== undefined && { tenant }), roles: [...roles], keys: [], certificates: [] };
  }

  private async change(apply: (shared: SharedKeys, file: Clients) => void): Promise<void> {
    const { shared, keys, pepper } = this.options;
    await changeText(shared, (before) => {
      const value = parseSharedKeys(before, pepper);
      apply(value, keys.clientsOfFile);
      return sharedKeysText(value, pepper);
    });
    await keys.refresh();
  }

  private get nowMs(): number {
    return (this.options.now ?? Date.now)();
  }
}

/** A client may be called `constructor`. */
function ownOf(clients: Clients, name: string): Clients[string] | undefined {
  return Object.hasOwn(clients, name) ? clients[name] : undefined;
}
