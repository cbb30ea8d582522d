import { createHash } from 'node:crypto';
import type { Principal } from './principal';

interface Entry {
  principal: Principal;
  untilMs: number;
}

/** Verified tokens by their SHA-256: the least recently used go first, and none stays beyond its end. */
export class TokenCache {
  private readonly entries = new Map<string, Entry>();

  constructor(
    private readonly maxEntries: number,
    private readonly ttlMs: number,
  ) {}

  get size(): number {
    return this.entries.size;
  }

  get(token: string, nowMs: number): Principal | undefined {
    const key = digest(token);
    const entry = this.entries.get(key);
    if (entry === undefined) return undefined;
    this.entries.delete(key);
    if (entry.untilMs <= nowMs) return undefined;
    this.entries.set(key, entry);
    return entry.principal;
  }

  set(token: string, principal: Principal, nowMs: number): void {
    const untilMs = Math.min(principal.expiresAtMs, nowMs + this.ttlMs);
    if (untilMs <= nowMs) return;
    this.entries.set(digest(token), { principal, untilMs });
    if (this.entries.size <= this.maxEntries) return;
    const oldest = this.entries.keys().next();
    if (!oldest.done) this.entries.delete(oldest.value);
  }
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
