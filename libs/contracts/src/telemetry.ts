import { z } from 'zod';
import { id, jsonNumber, moment } from './field';

/** What is known of the time of a measured value: what its device said, or what is wrong with time or value. */
export const telemetryQualities = ['unspecified', 'synced', 'holdover', 'uptime-only', 'suspect', 'invalid'] as const;
export type TelemetryQuality = (typeof telemetryQualities)[number];

/**
 * One measured value. A record of `iot.telemetry` (key `tenant/device`) holds many:
 * `{tenantId, deviceId, samples: [{ch, t, tReceived, tq, v, u?}, …]}`.
 */
export const telemetrySchema = z.object({
  tenantId: id,
  deviceId: id,
  /** The channel's name; its number in decimal where nobody has named it. */
  ch: id,
  t: moment,
  tReceived: moment,
  tq: z.enum(telemetryQualities),
  /** null: the device sent no number (`tq` says `invalid`). */
  v: jsonNumber.nullable(),
  u: z.string().optional(),
});
export type Telemetry = z.output<typeof telemetrySchema>;
