import { AppError } from '@tidegate/errors';
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

const version = 1;
const macBytes = 16;
const headBytes = 6;
const tokenBytes = headBytes + macBytes;
const minKeyBytes = 32;

export interface DeviceIdentity {
  tenant: string;
  deviceId: string;
}

interface Key {
  id: number;
  secret: Buffer;
}

/**
 * Device tokens: `version u8 | key id u8 | not after u32be, seconds, 0 = none | HMAC-SHA-256(key, tenant ‖ 0 ‖ device ‖ not
 * after)[0..16]`, 22 bytes. The key id is the first byte of the key's SHA-256, so a key list is all there is to configure.
 * The first key makes tokens, both check them.
 */
export class DeviceTokens {
  private readonly keys: readonly [Key, ...Key[]];

  /** One or two keys of at least 32 bytes. @throws AppError `invalid_config` */
  constructor(secrets: readonly Buffer[]) {
    const [first, ...others] = secrets.map((secret) => ({ id: keyId(secret), secret }));
    if (first === undefined || others.length > 1 || secrets.some((secret) => secret.length < minKeyBytes)) {
      throw new AppError('invalid_config', `Device tokens need one or two keys of at least ${minKeyBytes} bytes.`);
    }
    this.keys = [first, ...others];
  }

  issue({ tenant, deviceId }: DeviceIdentity, notAfterSeconds = 0): Buffer {
    const [{ id, secret }] = this.keys;
    const head = Buffer.alloc(headBytes);
    head.writeUInt8(version, 0);
    head.writeUInt8(id, 1);
    head.writeUInt32BE(notAfterSeconds, 2);
    return Buffer.concat([head, mac(secret, { tenant, deviceId }, head)]);
  }

  /**
   * @returns the token that replaces this one, when an older key made it
   * @throws AppError `unauthenticated`, with the same message for every reason; the reason is the `cause`
   */
  verify(token: Uint8Array, identity: DeviceIdentity, nowMs = Date.now()): { next?: Buffer; endsAtMs?: number } {
    const bytes = Buffer.from(token.buffer, token.byteOffset, token.byteLength);
    if (bytes.length !== tokenBytes || bytes[0] !== version) throw deviceRefused('not a token of this kind');
    const given = bytes.subarray(headBytes);
    // Two keys may share an id: every candidate is tried.
    const candidates = this.keys.filter(({ id }) => id === bytes[1]);
    const key = candidates.find(({ secret }) => timingSafeEqual(mac(secret, identity, bytes), given));
    if (key === undefined) throw deviceRefused('made by no key of ours for this device');
    const notAfterSeconds = bytes.readUInt32BE(2);
    if (notAfterSeconds !== 0 && nowMs >= notAfterSeconds * 1_000) throw deviceRefused('expired');
    return {
      ...(key !== this.keys[0] && { next: this.issue(identity, notAfterSeconds) }),
      ...(notAfterSeconds !== 0 && { endsAtMs: notAfterSeconds * 1_000 }),
    };
  }
}

function keyId(secret: Buffer): number {
  return createHash('sha256').update(secret).digest()[0] ?? 0;
}

/** Names hold no NUL where they are accepted, so nothing can be shifted between them. */
function mac(secret: Buffer, { tenant, deviceId }: DeviceIdentity, head: Buffer): Buffer {
  const hmac = createHmac('sha256', secret).update(`${tenant}\0${deviceId}`).update(head.subarray(2, headBytes));
  return hmac.digest().subarray(0, macBytes);
}

/** One message for all reasons; the reason is for logs. */
export function deviceRefused(reason: string): AppError {
  return new AppError('unauthenticated', 'The device token is not valid.', { cause: new Error(reason) });
}
