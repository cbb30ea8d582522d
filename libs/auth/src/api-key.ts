import { createHmac, randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const idLength = 12;
/** 32 characters of 62 are 190 bits: nobody guesses them, so that no slow hash is needed, which would invite floods. */
const secretLength = 32;
const crcLength = 6;

const pattern = new RegExp(
  `^(tg_([a-z]{2,8})_([0-9A-Za-z]{${idLength}})_([0-9A-Za-z]{${secretLength}}))_([0-9A-Za-z]{${crcLength}})$`,
);

export interface ApiKey {
  /** Which installation it is of: `dev`, `test`, `live`. */
  environment: string;
  /** Names the key in files, logs and audit; not a secret. */
  id: string;
  /** `tg_<env>_<id>_<secret>`: what is hashed. */
  signed: string;
}

/**
 * Takes a key apart: `tg_<env>_<keyId>_<secret>_<crc>`. The checksum tells a key from a look-alike without asking anybody,
 * which is what scanners of leaked secrets do; it proves nothing.
 */
export function parseApiKey(text: string): ApiKey | undefined {
  const [, signed, environment, id, , crc] = pattern.exec(text) ?? [];
  if (signed === undefined || environment === undefined || id === undefined) return undefined;
  return crc === checksum(signed) ? { environment, id, signed } : undefined;
}

/** A new key, which nobody has seen before. */
export function generateApiKey(environment: string): string {
  const signed = `tg_${environment}_${random(idLength)}_${random(secretLength)}`;
  return `${signed}_${checksum(signed)}`;
}

/** What is stored of a key. */
export function hashApiKey({ signed }: Pick<ApiKey, 'signed'>, pepper: string): Buffer {
  return createHmac('sha256', pepper).update(signed).digest();
}

function checksum(signed: string): string {
  let rest = crc32(signed);
  let text = '';
  for (let place = 0; place < crcLength; place++) {
    text = (alphabet[rest % alphabet.length] ?? '') + text;
    rest = Math.floor(rest / alphabet.length);
  }
  return text;
}

function random(length: number): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');
}
