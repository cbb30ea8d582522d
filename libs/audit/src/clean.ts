import { redact } from '@tidegate/telemetry';

export const withheld = '[withheld]';

/** Longer ones are no ids of ours; keys and tokens are. */
const maxIdLength = 64;
const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;
/** Characters in a row without a dot, as the secret parts of keys and tokens have them. */
const unbroken = /[\w+/=-]{32}/;

/** An id from a path, unless it could be a credential that somebody put there. */
export function cleanId(value: string): string {
  if (uuid.test(value)) return value;
  const plain = value.length <= maxIdLength && /^[\w.:@~+-]+$/.test(value) && !unbroken.test(value);
  return plain && redact(value) === value ? value : withheld;
}

/** The name of a query parameter: names are words, and credentials are not. */
export function cleanName(name: string): string {
  return /^[A-Za-z][A-Za-z_.-]{0,31}$/.test(name) ? name : withheld;
}

/** Free text such as a user agent, cut and with its credentials taken out. */
export function cleanText(text: string, maxLength: number): string {
  if (uuid.test(text)) return text;
  // First the credentials, then the cut: half of one would not be recognised.
  return redact(text.slice(0, maxLength * 4)).slice(0, maxLength);
}
