import type { DeviceIdentity } from '@tidegate/auth';
import type { DeviceSchema } from '@tidegate/catalog';

/** A device that has said Hello and was believed. */
export interface Device extends DeviceIdentity {
  readonly bootId: number;
  readonly keepaliveS: number;
  /** As the catalog has it now; undefined where the device named none, or one that is not there. */
  readonly schema: DeviceSchema | undefined;
  /** Server time and the device's uptime at Hello; the uptime is 0 where it gave none. */
  readonly helloAtMs: number;
  readonly helloUptimeMs: number;
  /** When its credential ends, and the session with it; undefined where it does not. */
  readonly endsAtMs: number | undefined;
  /** Larger for a newer session, over all replicas; undefined where Redis could not say. */
  readonly sessionNumber: number | undefined;
}

/** `tenant/device`: Kafka's key, and the name in logs. */
export function deviceKey({ tenant, deviceId }: DeviceIdentity): string {
  return `${tenant}/${deviceId}`;
}
