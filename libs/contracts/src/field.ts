import { z } from 'zod';
import { isRawNumber } from './json';

export const id = z.string().min(1);

/** A point in time, RFC 3339. */
export const moment = z.iso.datetime({ offset: true });

/**
 * A number of a row that came through `parseJson`: one that was kept as text is judged by its value. The parsed output is
 * a double, so what must keep its digits passes on the row itself and not the output.
 */
export const jsonNumber = z.preprocess((value) => (isRawNumber(value) ? Number(value.rawJSON) : value), z.number());
