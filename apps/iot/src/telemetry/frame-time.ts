import type { Telemetry } from '@tidegate/wire';
import type { Device } from '../connection/device';

const uptimeCircle = 2 ** 32;

/**
 * The server's time when a frame was made: that of Hello plus what passed on the device since, or the time of receipt
 * where the device gives no uptime. Uptime wraps after 49 days, and a frame that is sent again may be older than Hello:
 * of the times that fit, the one nearest to the receipt is meant.
 */
export function frameTimeMs({ uptimeMs }: Pick<Telemetry, 'uptimeMs'>, device: Device, receivedMs: number): number {
  const { helloAtMs, helloUptimeMs } = device;
  if (uptimeMs === 0 || helloUptimeMs === 0) return receivedMs;
  const frameMs = helloAtMs + (uptimeMs - helloUptimeMs);
  return frameMs + Math.round((receivedMs - frameMs) / uptimeCircle) * uptimeCircle;
}
