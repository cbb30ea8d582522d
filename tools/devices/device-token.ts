import { createHash, createHmac } from 'node:crypto';

/** The token of a device, from the first of the keys (base64url, separated by commas). @throws Error when there is none */
export function deviceToken(
  keys: string | undefined,
  { tenant, deviceId }: { tenant: string; deviceId: string },
): Buffer {
  const key = Buffer.from(keys?.split(',')[0]?.trim() ?? '', 'base64url');
  if (key.length < 32)
    throw new Error('DEVICE_TOKEN_KEYS is missing: start Tidegate once (npm start), it makes a key.');
  const notAfter = Buffer.alloc(4);
  const head = [1, createHash('sha256').update(key).digest()[0] ?? 0];
  const mac = createHmac('sha256', key).update(`${tenant}\0${deviceId}`).update(notAfter).digest();
  return Buffer.concat([Buffer.from(head), notAfter, mac.subarray(0, 16)]);
}

/** `<tenant>/<device>` @throws Error */
export function parseDevice(text: string | undefined): { tenant: string; deviceId: string } {
  const [, tenant, deviceId] = /^([a-z][a-z0-9-]{0,62})\/([A-Za-z0-9][A-Za-z0-9._-]{0,62})$/.exec(text ?? '') ?? [];
  if (tenant === undefined || deviceId === undefined)
    throw new Error('name the device: <tenant>/<device>, such as north/bike-1');
  return { tenant, deviceId };
}
