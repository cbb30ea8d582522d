import {
  lastingCredentialOf,
  principalOf,
  type Authenticator,
  type Confirmation,
  type Credential,
  type Principal,
  type RawRequest,
} from '@tidegate/auth';
import { AppError } from '@tidegate/errors';
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { TicketStore } from './ticket-store';

export interface Ticket {
  ticket: string;
  /** Seconds. */
  expiresIn: number;
}

const lifetimeMs = 30_000;
const ticketBytes = 32;
const tagBytes = 16;
// A key seals one text only, so the nonce need not differ.
const nonce = Buffer.alloc(12);

/**
 * What a browser shows instead of its token, which it cannot send with a WebSocket: good once, for 30 s, for pages of one
 * origin. The store holds the credential sealed with a key that is in the ticket only, and whoever redeems it is
 * authenticated anew.
 */
export class Tickets {
  constructor(
    private readonly store: TicketStore,
    private readonly authenticator: Pick<Authenticator, 'bearer'> &
      Partial<Pick<Authenticator, 'apiKey' | 'certificate' | 'certificateOf'>>,
  ) {}

  /** For the credential of a request that has been let in. @throws AppError `unavailable` while no ticket can be kept */
  async issue(request: RawRequest, origin: string | undefined, proven?: Confirmation): Promise<Ticket> {
    const ticket = randomBytes(ticketBytes).toString('base64url');
    const { id, key } = partsOf(ticket);
    const text = JSON.stringify([origin ?? null, lastingCredentialOf(request, this.authenticator, proven)]);
    await this.store.put(id, seal(key, text), lifetimeMs);
    return { ticket, expiresIn: lifetimeMs / 1_000 };
  }

  /** @throws AppError `unauthenticated`, the same for every reason; `unavailable` when it cannot be known */
  async redeem(ticket: string, origin: string | undefined): Promise<Principal> {
    if (!/^[\w-]{43}$/.test(ticket)) throw refused();
    const { id, key } = partsOf(ticket);
    const sealed = await this.store.take(id);
    if (sealed === undefined) throw refused();
    const [boundTo, credential] = JSON.parse(unseal(key, sealed)) as [string | null, Credential];
    if (boundTo !== (origin ?? null)) throw refused();
    return principalOf(credential, this.authenticator);
  }
}

function refused(): AppError {
  return new AppError('unauthenticated', 'The ticket is not valid, or not any more; ask for another.');
}

function partsOf(ticket: string): { id: string; key: Buffer } {
  const derived = Buffer.from(hkdfSync('sha256', ticket, '', 'tidegate stream ticket', 64));
  return { id: derived.subarray(0, 32).toString('base64url'), key: derived.subarray(32) };
}

function seal(key: Buffer, text: string): string {
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  return Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64url');
}

function unseal(key: Buffer, sealed: string): string {
  const bytes = Buffer.from(sealed, 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', key, nonce);
  decipher.setAuthTag(bytes.subarray(-tagBytes));
  return Buffer.concat([decipher.update(bytes.subarray(0, -tagBytes)), decipher.final()]).toString('utf8');
}
