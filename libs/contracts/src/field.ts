import { z } from 'zod';

export const id = z.string().min(1);

/** A point in time, RFC 3339. */
export const moment = z.iso.datetime({ offset: true });

export const jsonNumber = z.number();
