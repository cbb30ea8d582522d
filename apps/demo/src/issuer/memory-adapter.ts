import type { Adapter, AdapterPayload } from 'oidc-provider';

/** What the provider remembers between requests. Tokens are JWTs, so nothing here needs to outlive the process. */
export class MemoryAdapter implements Adapter {
  private readonly entries = new Map<string, { payload: AdapterPayload; expiresAtMs: number }>();

  constructor(readonly name: string) {}

  upsert(id: string, payload: AdapterPayload, expiresIn: number): Promise<void> {
    this.dropExpired();
    this.entries.set(id, { payload, expiresAtMs: Date.now() + expiresIn * 1_000 });
    return Promise.resolve();
  }

  find(id: string): Promise<AdapterPayload | undefined> {
    this.dropExpired();
    return Promise.resolve(this.entries.get(id)?.payload);
  }

  findByUid(uid: string): Promise<AdapterPayload | undefined> {
    return this.findWhere((payload) => payload.uid === uid);
  }

  findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
    return this.findWhere((payload) => payload.userCode === userCode);
  }

  consume(id: string): Promise<void> {
    const entry = this.entries.get(id);
    if (entry) entry.payload.consumed = Math.floor(Date.now() / 1_000);
    return Promise.resolve();
  }

  destroy(id: string): Promise<void> {
    this.entries.delete(id);
    return Promise.resolve();
  }

  revokeByGrantId(grantId: string): Promise<void> {
    for (const [id, { payload }] of this.entries) if (payload.grantId === grantId) this.entries.delete(id);
    return Promise.resolve();
  }

  private findWhere(matches: (payload: AdapterPayload) => boolean): Promise<AdapterPayload | undefined> {
    this.dropExpired();
    return Promise.resolve([...this.entries.values()].find(({ payload }) => matches(payload))?.payload);
  }

  private dropExpired(): void {
    const now = Date.now();
    for (const [id, { expiresAtMs }] of this.entries) if (expiresAtMs <= now) this.entries.delete(id);
  }
}
