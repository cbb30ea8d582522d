import type { Device } from './device';

/** Up to where each lane of a boot is settled; 0 nothing is known. */
export interface Progress {
  bootId: number;
  live: number;
  backlog: number;
}

/** Remembers progress for the next connection of a device. */
export interface ProgressStore {
  read(key: string): Promise<Progress | undefined>;
  write(key: string, progress: Progress): void;
  /** Resolves when what was written is kept. */
  flush(): Promise<void>;
}

/** Injection token of the `ProgressStore`. */
export const PROGRESS = Symbol('tidegate.iot.progress');

const maxDevices = 100_000;

/** What this process knows of the devices that were here last. */
export class LocalProgress implements ProgressStore {
  private readonly known = new Map<string, Progress>();

  read(key: string): Promise<Progress | undefined> {
    return Promise.resolve(this.known.get(key));
  }

  write(key: string, progress: Progress): void {
    this.known.delete(key);
    this.known.set(key, progress);
    const [oldest] = this.known.keys();
    if (this.known.size > maxDevices && oldest !== undefined) this.known.delete(oldest);
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }
}

/** Where the lanes of a device go on, by what is known of its last boot. */
export function resume(
  known: Progress | undefined,
  { bootId }: Pick<Device, 'bootId'>,
): Progress & { isNewBoot: boolean } {
  if (known?.bootId === bootId) return { ...known, isNewBoot: false };
  return { bootId, live: 0, backlog: 0, isNewBoot: known !== undefined };
}
