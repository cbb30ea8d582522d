export interface SharedOptions<T> {
  close: (value: T) => Promise<void> | void;
  /** How long a value outlives its last user. */
  lingerMs: (value: T) => number;
}

interface Shared<T> {
  opened: Promise<T>;
  users: number;
  /** Set while nobody uses it. */
  lingering: { value: T; timer: NodeJS.Timeout } | undefined;
}

/** One value per key, opened by its first user and closed some time after its last. */
export class SharedByUse<T> {
  private readonly all = new Map<string, Shared<T>>();

  constructor(private readonly options: SharedOptions<T>) {}

  /** Each acquire that resolves wants one `release`. A failed opening is told to all who wait and tried anew after. */
  async acquire(key: string, open: () => Promise<T>): Promise<T> {
    const shared = this.all.get(key) ?? this.add(key, open());
    clearTimeout(shared.lingering?.timer);
    shared.lingering = undefined;
    shared.users++;
    try {
      return await shared.opened;
    } catch (error) {
      if (this.all.get(key) === shared) this.all.delete(key);
      throw error;
    }
  }

  release(key: string, value: T): void {
    const shared = this.all.get(key);
    if (shared === undefined || --shared.users > 0) return;
    const lingerMs = this.options.lingerMs(value);
    if (lingerMs === 0) return void this.end(key, shared);
    const timer = setTimeout(() => void this.end(key, shared), lingerMs).unref();
    shared.lingering = { value, timer };
  }

  /** Closes what nobody uses and nobody will. */
  endIdle(isOver: (value: T) => boolean): void {
    for (const [key, shared] of this.all) {
      if (shared.lingering !== undefined && isOver(shared.lingering.value)) void this.end(key, shared);
    }
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.all].map(([key, shared]) => this.end(key, shared)));
  }

  private add(key: string, opened: Promise<T>): Shared<T> {
    const shared: Shared<T> = { opened, users: 0, lingering: undefined };
    this.all.set(key, shared);
    return shared;
  }

  private async end(key: string, shared: Shared<T>): Promise<void> {
    clearTimeout(shared.lingering?.timer);
    if (this.all.get(key) === shared) this.all.delete(key);
    const [opening] = await Promise.allSettled([shared.opened]);
    // What never opened has been told to those who asked for it.
    if (opening.status === 'fulfilled') await this.options.close(opening.value);
  }
}
