/** Where a string stands in a JSON text: the indices of its quotes. */
export type StringPlace = readonly [start: number, end: number];

/** What no text holds that was written by somebody else. */
const prefix = crypto.getRandomValues(new Uint32Array(4)).join('-');

/**
 * A JSON text without escapes in its keys. V8 may take a key that is written with one for another key that it has met
 * before (nodejs/node#63785). What cannot be written without an escape has a name that stands for it.
 */
export class PlainKeys {
  readonly text: string;
  private readonly keys = new Map<string, string>();
  private readonly names = new Map<string, string>();

  /** @throws SyntaxError when a key is not valid JSON */
  constructor(text: string, escaped: readonly StringPlace[]) {
    let rest = 0;
    const parts = escaped.map(([start, end]) => {
      const before = text.slice(rest, start);
      rest = end + 1;
      return before + this.written(JSON.parse(text.slice(start, rest)) as string);
    });
    this.text = parts.join('') + text.slice(rest);
  }

  /** The key that stands in the value parsed from `text` as this one. */
  keyOf(name: string): string {
    return this.keys.get(name) ?? name;
  }

  private written(key: string): string {
    const plain = JSON.stringify(key);
    if (!plain.includes('\\') && !key.startsWith(prefix)) return plain;
    const name = this.names.get(key) ?? `${prefix}${this.names.size}`;
    this.names.set(key, name);
    this.keys.set(name, key);
    return JSON.stringify(name);
  }
}
