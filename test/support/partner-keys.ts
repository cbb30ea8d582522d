import { generateApiKey, hashApiKey, parseApiKey } from '@tidegate/auth';
import { randomBytes } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

interface Client {
  tenant?: string;
  roles: string[];
  keys: { id: string; hash: string; scopes: string[]; expiresAt: string; revokedAt?: string }[];
}

const clients: Record<string, Omit<Client, 'keys'>> = {
  'partner-north': { tenant: 'north', roles: ['partner'] },
  'partner-south': { tenant: 'south', roles: ['partner'] },
  'internal-reporting': { roles: ['reporting'] },
};

export interface KeyTraits {
  scopes?: string[];
  expiresInMs?: number;
}

/** The file of API keys that all replicas of a test read. */
export class PartnerKeys {
  readonly file: string;
  readonly pepper = randomBytes(32).toString('base64url');
  private readonly clients: Record<string, Client>;

  constructor(directory: string) {
    this.file = path.join(directory, 'api-keys.json');
    this.clients = Object.fromEntries(Object.entries(clients).map(([name, client]) => [name, { ...client, keys: [] }]));
    this.write();
  }

  /** A new key of `partner-north`, `partner-south` or `internal-reporting`. */
  issue(client: string, { scopes, expiresInMs = 3_600_000 }: KeyTraits = {}): string {
    const key = generateApiKey('test');
    const parsed = parseApiKey(key);
    const entry = this.clients[client];
    if (parsed === undefined || entry === undefined) throw new Error(`no key for ${client}`);
    entry.keys.push({
      id: parsed.id,
      hash: hashApiKey(parsed, this.pepper).toString('base64url'),
      scopes: scopes ?? ['transactions:read', 'transactions:write'],
      expiresAt: new Date(Date.now() + expiresInMs).toISOString(),
    });
    this.write();
    return key;
  }

  revoke(key: string): void {
    const id = parseApiKey(key)?.id;
    for (const { keys } of Object.values(this.clients)) {
      for (const stored of keys) if (stored.id === id) stored.revokedAt = new Date().toISOString();
    }
    this.write();
  }

  private write(): void {
    const draft = `${this.file}.draft`;
    writeFileSync(draft, JSON.stringify({ clients: this.clients }));
    renameSync(draft, this.file);
  }
}
