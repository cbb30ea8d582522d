import { createHmac, hkdfSync } from 'node:crypto';
import { z } from 'zod';
import type { Hasher } from './mask';

const keyBytes = 32;

/** The key for masks as a variable carries it: at least 32 bytes as base64url. */
export const maskKeySchema = z
  .string()
  .transform((text) => Buffer.from(text, 'base64url'))
  .refine((key) => key.length >= keyBytes, 'expected at least 32 bytes as base64url');

/** 132 bits: none of many values meets another by chance, and a hash is no longer than most of what it stands for. */
const shownCharacters = 22;

/** The keys of the tenants for what is shown as a hash, all derived from one secret. */
export class MaskKeys {
  private readonly hashers = new Map<string, Hasher>();

  constructor(private readonly secret: Buffer) {}

  /** HMAC-SHA-256 over the name of the hash, a zero byte and the text; the first 22 characters of its base64url. */
  hasher(tenant: string): Hasher {
    const known = this.hashers.get(tenant);
    if (known !== undefined) return known;
    const key = Buffer.from(hkdfSync('sha256', this.secret, '', `tidegate mask ${tenant}`, keyBytes));
    const hasher: Hasher = (name, text) =>
      createHmac('sha256', key).update(`${name}\0${text}`).digest('base64url').slice(0, shownCharacters);
    this.hashers.set(tenant, hasher);
    return hasher;
  }
}
