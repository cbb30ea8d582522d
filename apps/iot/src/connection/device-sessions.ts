import type { Device } from './device';
import { deviceKey } from './device';
import type { DeviceConnection } from './device-connection';

/** Takeovers of a device within this are twins that fight, not a network that broke. */
const fightMs = 60_000;
const freeTakeovers = 3;
const firstDelayMs = 1_000;
const maxDelayMs = 30_000;

interface Takeovers {
  count: number;
  lastAtMs: number;
}

/** Which connection is a device's. */
export class DeviceSessions {
  private readonly connections = new Map<string, DeviceConnection>();
  private readonly takeovers = new Map<string, Takeovers>();

  get size(): number {
    return this.connections.size;
  }

  /** How long a newcomer waits before it may take over, so that twins do not keep us busy. */
  delayMs(key: string, nowMs: number): number {
    const past = this.takeovers.get(key);
    if (!this.connections.has(key) || past === undefined || nowMs - past.lastAtMs > fightMs) return 0;
    const beyond = past.count - freeTakeovers;
    return beyond < 0 ? 0 : Math.min(firstDelayMs * 2 ** beyond, maxDelayMs);
  }

  /** Makes the connection the device's own. @returns the one that was, which is to be told */
  take(device: Device, connection: DeviceConnection, nowMs: number): DeviceConnection | undefined {
    const key = deviceKey(device);
    const before = this.connections.get(key);
    this.connections.set(key, connection);
    if (before === undefined || before === connection) return undefined;
    const past = this.takeovers.get(key);
    const count = past !== undefined && nowMs - past.lastAtMs <= fightMs ? past.count + 1 : 1;
    this.takeovers.set(key, { count, lastAtMs: nowMs });
    return before;
  }

  all(): DeviceConnection[] {
    return [...this.connections.values()];
  }

  of(key: string): DeviceConnection | undefined {
    return this.connections.get(key);
  }

  /** Another replica has a newer session of the device. @returns the one here that it ends */
  yield(key: string, number: number): DeviceConnection | undefined {
    const connection = this.connections.get(key);
    const own = connection?.device?.sessionNumber;
    if (connection === undefined || own === undefined || own >= number) return undefined;
    this.connections.delete(key);
    return connection;
  }

  /** Forgets the connection, unless the device has another by now. @returns whether it was the device's own */
  leave(connection: DeviceConnection): boolean {
    const key = connection.device === undefined ? undefined : deviceKey(connection.device);
    if (key === undefined || this.connections.get(key) !== connection) return false;
    this.connections.delete(key);
    return true;
  }

  sweep(nowMs: number): void {
    for (const [key, { lastAtMs }] of this.takeovers) {
      if (nowMs - lastAtMs > fightMs) this.takeovers.delete(key);
    }
  }
}
