import { AppError } from '@tidegate/errors';

// Orders nest 3 deep and GraphQL variables some more; nothing that we take needs 20.
const maxDepth = 20;

const unsafeKeys = new Set(['__proto__', 'constructor', 'prototype']);

interface Level {
  /** Keys seen so far; undefined for an array. */
  keys: Set<string> | undefined;
  /** Where in the object or array the scan is. */
  at: string | number;
  expectsKey: boolean;
}

/**
 * The value of a JSON text in which nothing is hidden: bounded depth, no key twice in one object, none that reaches for a
 * prototype, no whole number that a double would change.
 *
 * @throws AppError `malformed`, `invalid_argument`
 */
export function parseBody(bytes: Uint8Array): unknown {
  if (bytes.byteLength === 0) throw new AppError('malformed', 'The body is empty; send JSON.');
  const text = decode(bytes);
  scan(text);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new AppError('malformed', 'The body is not valid JSON.', { cause });
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new AppError('malformed', 'The body is not valid UTF-8.', { cause });
  }
}

// Before the parse, and on whatever text: what is no JSON is left for the parser to refuse.
function scan(text: string): void {
  const open: Level[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    const level = open.at(-1);
    if (character === '"') {
      const end = endOfString(text, at);
      if (level?.expectsKey) takeKey(open, level, text.slice(at + 1, end));
      at = end;
    } else if (character === '{' || character === '[') {
      const isObject = character === '{';
      open.push({ keys: isObject ? new Set() : undefined, at: isObject ? '' : 0, expectsKey: isObject });
      if (open.length > maxDepth) refuse(open.slice(0, -1), `Nested more than ${maxDepth} deep; flatten it.`);
    } else if (digitsOrMinus.test(character ?? '')) {
      const number = numberAt(text, at);
      if (isRounded(number))
        refuse(open, 'A number here cannot keep all its digits; send it as text if that is allowed.');
      at += number.length - 1;
    } else if (character === '}' || character === ']') open.pop();
    else if (character === ',' && level !== undefined) step(level);
  }
}

const digitsOrMinus = /[-\d]/;

function numberAt(text: string, start: number): string {
  let end = start + 1;
  while (end < text.length && /[\d.eE+-]/.test(text.charAt(end))) end += 1;
  return text.slice(start, end);
}

/** Whether it would become another whole number, or none at all. Fractions are rounded by everybody who writes them. */
function isRounded(number: string): boolean {
  const value = Number(number);
  if (Math.abs(value) === Infinity) return true;
  return number.length > 15 && /^-?\d+$/.test(number) && BigInt(number) !== BigInt(value);
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}

function step(level: Level): void {
  if (level.keys !== undefined) level.expectsKey = true;
  else level.at = Number(level.at) + 1;
}

function takeKey(open: Level[], level: Level, raw: string): void {
  const key = raw.includes('\\') ? unescape(raw) : raw;
  level.at = key;
  level.expectsKey = false;
  if (unsafeKeys.has(key)) refuse(open, 'Not allowed as a field name; remove it.');
  if (level.keys?.has(key)) refuse(open, 'Given twice; remove one.');
  level.keys?.add(key);
}

function unescape(raw: string): string {
  try {
    return JSON.parse(`"${raw}"`) as string;
  } catch {
    return raw;
  }
}

function refuse(open: readonly Level[], detail: string): never {
  const pointer = pointerOf(open.map(({ at }) => at));
  throw new AppError('invalid_argument', 'The body has invalid input.', { details: [{ pointer, detail }] });
}

// Enough to find a field; a key can be as long as the body.
const maxPointerLength = 200;

/** RFC 6901. */
export function pointerOf(path: readonly (string | number)[]): string {
  const pointer = path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
  return pointer.length > maxPointerLength ? `${pointer.slice(0, maxPointerLength)}…` : pointer;
}
