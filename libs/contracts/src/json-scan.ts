import { AppError } from '@tidegate/errors';
import type { StringPlace } from './json-keys';

const quote = 0x22;
const backslash = 0x5c;
const minus = 0x2d;
const dot = 0x2e;
const zero = 0x30;
const nine = 0x39;
/** Deeper than any contract; keeps `JSON.stringify` and other recursion away from the end of the stack. */
const maxDepth = 200;

/** Any decimal of up to 15 significant digits survives a double (IEEE 754), so any number this short does. */
const safeLength = 15;

const colon = 0x3a;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** What a JSON text holds. */
export interface JsonScan {
  /** Some number could come out of a double with other digits. Errs on the side of yes. */
  delicate: boolean;
  /** Keys with a value, all objects together. */
  pairs: number;
  /** Keys that are written with an escape. */
  escapedKeys: StringPlace[];
  lineBreaks: boolean;
}

/**
 * One pass that jumps over strings; the text need not be valid.
 *
 * @throws AppError `malformed` when it is nested too deep to be written out again without recursion trouble
 */
export function scanJson(text: string): JsonScan {
  const scan: JsonScan = { delicate: false, pairs: 0, escapedKeys: [], lineBreaks: false };
  const escapes = text.includes('\\');
  let depth = 0;
  let start = 0;
  let end = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      start = at;
      at = end = endOfString(text, at);
    } else if (code === colon) {
      scan.pairs++;
      if (escapes && text.slice(start, end).includes('\\')) scan.escapedKeys.push([start, end]);
    } else if (code === minus || (code >= zero && code <= nine)) {
      const after = endOfNumber(text, at);
      scan.delicate ||= isDelicate(text, at, after);
      at = after - 1;
    } else if (code === 0x5b || code === 0x7b) {
      if (++depth > maxDepth) throw new AppError('malformed', `The JSON is nested deeper than ${maxDepth} levels.`);
    } else if (code === 0x5d || code === 0x7d) {
      depth--;
    } else if (code === lineFeed || code === carriageReturn) {
      scan.lineBreaks = true;
    }
  }
  return scan;
}

/** The index of the quote that ends the string which begins at `start`, or of the text's end. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let escapes = at;
    while (text.charCodeAt(escapes - 1) === backslash) escapes--;
    if ((at - escapes) % 2 === 0) return at;
  }
  return text.length;
}

function endOfNumber(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && isNumberPart(text.charCodeAt(at))) at++;
  return at;
}

/** Digits, point, exponent (e or E) and sign. */
function isNumberPart(code: number): boolean {
  return (code >= zero && code <= nine) || code === dot || (code | 0x20) === 0x65 || code === minus || code === 0x2b;
}

function isDelicate(text: string, start: number, end: number): boolean {
  const length = end - start;
  const last = text.charCodeAt(end - 1);
  if (length === 1) return false;
  if (length > safeLength || (text.charCodeAt(start) === minus && text.charCodeAt(start + 1) === zero)) return true;
  let fraction = false;
  for (let at = start + 1; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === dot) fraction = true;
    else if (code < zero || code > nine) return true;
  }
  // 1.10 and 1.0 lose zeros; below 1e-6 a double is written with an exponent.
  return fraction && (last === zero || text.startsWith('0.000', start));
}
