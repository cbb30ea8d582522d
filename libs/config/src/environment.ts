import { z } from 'zod';

/** A TCP port, 0 (any free port) to 65535. */
export function port() {
  return wholeNumber('a port number from 0 to 65535', 65_535);
}

/** A whole number of milliseconds, 0 to 2147483647 (what a timer can hold). */
export function milliseconds() {
  return wholeNumber('a whole number of milliseconds from 0 to 2147483647', 2_147_483_647);
}

/** Entries separated by commas, trimmed, at least one, none of them empty: `a:9092, b:9092`. */
export function list() {
  return z
    .string({ error: 'expected entries separated by commas' })
    .transform((text) => text.split(',').map((entry) => entry.trim()))
    .refine((entries) => entries.every((entry) => entry !== ''), 'expected entries separated by commas, none empty');
}

/** An absolute URL with one of the schemes, kept as the string that was given. */
export function url(...schemes: string[]) {
  const allowed = schemes.length === 0 ? ['http', 'https'] : schemes;
  const expected = `expected a URL that starts with ${allowed.map((scheme) => `${scheme}://`).join(' or ')}`;
  return z
    .string({ error: expected })
    .refine((text) => URL.canParse(text) && allowed.includes(new URL(text).protocol.slice(0, -1)), expected);
}

/** `true`/`1`/`yes`/`on` or `false`/`0`/`no`/`off`, in any case. */
export function flag() {
  return z.stringbool({
    truthy: ['true', '1', 'yes', 'on'],
    falsy: ['false', '0', 'no', 'off'],
    error: 'expected true or false',
  });
}

function wholeNumber(what: string, max: number) {
  const expected = `expected ${what}`;
  return z
    .string({ error: expected })
    .regex(/^\d{1,10}$/, expected)
    .transform(Number)
    .refine((value) => value <= max, expected);
}
