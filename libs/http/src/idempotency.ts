import type { RawRequest } from '@tidegate/auth';
import { isRawNumber, parseJson, stringifyJson, type JsonValue } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import type { Logger } from '@tidegate/telemetry';
import { createHash, randomUUID } from 'node:crypto';
import type { Claimant, IdempotencyStore } from './idempotency-store';

export interface IdempotentRequest {
  /** What `idempotencyKeyOf` gave; undefined: the request is simply carried out. */
  key: string | undefined;
  /** Whose key it is: keys of different callers have nothing to do with each other. */
  caller: string;
  /** `POST /v1/transactions` */
  operation: string;
  body: unknown;
}

export interface IdempotentAnswer<T> {
  answer: T;
  /** Whether it is the answer to an earlier request. */
  replayed: boolean;
}

export interface IdempotencyOptions {
  /** How long an attempt may take before another one with the same key may begin; 15,000 by default. */
  leaseMs?: number;
  logger?: Logger;
}

/** Carries a write out once for each key of a caller, and gives the first answer again for 24 h. */
export class Idempotency {
  constructor(
    private readonly store: IdempotencyStore,
    private readonly options: IdempotencyOptions = {},
  ) {}

  /**
   * What `work` answers, now or the first time. A failure is no answer: after it the same request is carried out again.
   *
   * @throws AppError `idempotency_mismatch` when the key came with another body, `conflict` while the first request is
   * being answered, `unavailable` when keys cannot be checked (nothing was done then), and what `work` throws
   */
  async run<T extends object>(request: IdempotentRequest, work: () => Promise<T>): Promise<IdempotentAnswer<T>> {
    if (request.key === undefined) return { answer: await work(), replayed: false };
    const claimant = claimantOf(request, request.key);
    const claim = await this.claim(claimant);
    switch (claim.kind) {
      case 'answered':
        return { answer: parseJson(claim.answer) as T, replayed: true };
      case 'mismatch':
        throw new AppError('idempotency_mismatch', 'This Idempotency-Key came with another request; use a new one.');
      case 'running':
        throw new AppError('conflict', 'The first request with this Idempotency-Key is still in work.', {
          retryAfterMs: 1_000,
        });
      case 'claimed':
        return { answer: await this.carryOut(claimant, work), replayed: false };
    }
  }

  private async claim(claimant: Claimant): Promise<Awaited<ReturnType<IdempotencyStore['claim']>>> {
    try {
      return await this.store.claim(claimant, this.options.leaseMs ?? 15_000);
    } catch (cause) {
      // Even when the claim itself may have been made: the work was not begun.
      const message = 'Idempotency keys cannot be checked at the moment; nothing was done.';
      throw new AppError('unavailable', message, { cause, retryAfterMs: 2_000 });
    }
  }

  private async carryOut<T extends object>(claimant: Claimant, work: () => Promise<T>): Promise<T> {
    let answer: T;
    try {
      answer = await work();
    } catch (error) {
      // Whatever is not one of our errors may have happened at any point.
      const mayBeDone = !AppError.is(error) || error.outcome === 'unknown' || error.code === 'internal';
      await this.note(mayBeDone ? this.store.reopen(claimant) : this.store.forget(claimant));
      throw error;
    }
    await this.note(this.store.answered(claimant, stringifyJson(answer)));
    return answer;
  }

  /** The answer is true whether or not it could be noted; unnoted, the key is free again once the attempt's time is over. */
  private async note(noted: Promise<void>): Promise<void> {
    try {
      await noted;
    } catch (error) {
      this.options.logger?.warn({ err: error }, 'the outcome of an idempotent request could not be noted');
    }
  }
}

const keyPattern = /^[\x21-\x7e]{1,255}$/;

/**
 * The `Idempotency-Key` of a request: 1 to 255 visible ASCII characters.
 * @throws AppError `invalid_argument` when there is another one or several
 */
export function idempotencyKeyOf({ rawHeaders }: RawRequest): string | undefined {
  const isKey = (name: string | undefined) => name?.toLowerCase() === 'idempotency-key';
  const values = rawHeaders.filter((_, index) => index % 2 === 1 && isKey(rawHeaders[index - 1]));
  const [key] = values;
  if (key === undefined) return undefined;
  if (values.length === 1 && keyPattern.test(key)) return key;
  const detail = 'Send one Idempotency-Key of 1 to 255 visible ASCII characters.';
  throw new AppError('invalid_argument', detail, { details: [{ pointer: '/headers/idempotency-key', detail }] });
}

function claimantOf({ caller, operation, body }: IdempotentRequest, key: string): Claimant {
  const id = digest(JSON.stringify([caller, operation, key]));
  return { id, fingerprint: digest(canonical(body as JsonValue)), attempt: randomUUID() };
}

/** The same text for bodies that say the same. */
function canonical(value: JsonValue): string {
  return stringifyJson(sorted(value));
}

function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null || isRawNumber(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, inner]) => [name, sorted(inner)]));
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
