import { AppError } from '@tidegate/errors';
import { z } from 'zod';

/** The place behind an order in the list, newest first. */
export interface Place {
  placedAt: string;
  orderId: string;
}

const placeSchema = z.tuple([z.iso.datetime(), z.string().min(1).max(64)]);

export function encodePlace({ placedAt, orderId }: Place): string {
  return Buffer.from(JSON.stringify([placedAt, orderId])).toString('base64url');
}

/** @throws AppError `invalid_cursor` */
export function decodePlace(text: string): Place {
  try {
    const [placedAt, orderId] = placeSchema.parse(JSON.parse(Buffer.from(text, 'base64url').toString()));
    return { placedAt, orderId };
  } catch (cause) {
    throw new AppError('invalid_cursor', 'Take "after" from the "next" of an earlier page.', { cause });
  }
}
