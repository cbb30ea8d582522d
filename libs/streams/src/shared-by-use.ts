export interface SharedOptions<T> {
  open: (key: string) => Promise<T>;
  close: (value: T) => Promise<void> | void;
  /** How long a value outlives its last user. */
  lingerMs: (key: string) => number;
}

interface Shared<T> {
  opened: Promise<T>;
  users: number;
  lingering: NodeJS.Timeout | undefined;
}

/** One value per key, opened by its first user and closed some time after its last. */
export class SharedByUse<T> {
  private readonly all = new Map<string, Shared<T>>();

  constructor(private readonly options: SharedOptions<T>) {}

  /** Each acquire that resolves wants one `release`. A failed opening is told to all who wait and tried anew after. */
  async acquire(key: string): Promise<T> {
    const shared = this.all.get(key) ?? this.add(key);
    clearTimeout(shared.lingering);
    shared.users++;
    try {
      return await shared.opened;
    } catch (error) {
      if (this.all.get(key) === shared) this.all.delete(key);
      throw error;
    }
  }

  release(key: string): void {
    const shared = this.all.get(key);
    if (shared === undefined || --shared.users > 0) return;
    const lingerMs = this.options.lingerMs(key);
    if (lingerMs === 0) void this.end(key, shared);
    else shared.lingering = setTimeout(() => void this.end(key, shared), lingerMs).unref();
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.all].map(([key, shared]) => this.end(key, shared)));
  }

  private add(key: string): Shared<T> {
    const shared: Shared<T> = { opened: this.options.open(key), users: 0, lingering: undefined };
    this.all.set(key, shared);
    return shared;
  }

  private async end(key: string, shared: Shared<T>): Promise<void> {
    clearTimeout(shared.lingering);
    if (this.all.get(key) === shared) this.all.delete(key);
    const [opening] = await Promise.allSettled([shared.opened]);
    // What never opened has been told to those who asked for it.
    if (opening.status === 'fulfilled') await this.options.close(opening.value);
  }
}
