/** What the server sends, as design and contracts have it; what this tool does not show is left out. */
export type Frame =
  | { t: 'hello'; session: string }
  | { t: 'rows'; c: string; r: unknown[] }
  | { t: 'gone'; c: string; k: unknown[] }
  | { t: 'gap'; c: string; reason: string }
  | { t: 'caught-up'; c: string }
  | { t: 'expiring'; inSeconds: number }
  | { t: 'error'; code: string; detail: string }
  | { t: 'bye'; code: string; retryMs: number };

interface ExactJson {
  parse(text: string, reviver: (key: string, value: unknown, context: { source: string }) => unknown): unknown;
  rawJSON(text: string): unknown;
}

// TypeScript does not know these yet.
const exactJson = JSON as unknown as ExactJson;

/** Reads a frame so that writing its rows down again keeps every digit: 12.50 stays 12.50. */
export function readFrame(text: string): Frame {
  return exactJson.parse(text, (key, value, { source }) =>
    typeof value === 'number' && key !== 'retryMs' ? exactJson.rawJSON(source) : value,
  ) as Frame;
}
