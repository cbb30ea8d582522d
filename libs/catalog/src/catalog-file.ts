import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit, type Document } from 'yaml';
import { z } from 'zod';
import type { CatalogProblem } from './catalog-error';

export type FieldPath = readonly (string | number)[];

/** Where a value stands; lines and columns count from 1. */
export type Place = Omit<CatalogProblem, 'message'>;

/** One YAML file: its values, where they stand, and what is wrong with them. */
export class CatalogFile {
  readonly problems: CatalogProblem[] = [];
  private readonly content: unknown;
  private readonly lines = new LineCounter();
  private readonly root: Document | undefined;

  constructor(
    readonly name: string,
    text: string,
  ) {
    try {
      this.root = parseDocument(text, { lineCounter: this.lines, stringKeys: true, prettyErrors: false });
      this.checkSyntax(this.root);
      if (this.problems.length === 0) this.content = this.root.toJS();
    } catch {
      this.add(0, '(file)', 'cannot be read as YAML; nest less deeply');
    }
  }

  /** A file that is not there, so that its absence is one more problem of the catalog. */
  static missing(name: string, reason: string): CatalogFile {
    const file = new CatalogFile(name, '');
    file.problems.length = 0;
    file.add(0, '(file)', `cannot be read (${reason}); every catalog has this file`);
    return file;
  }

  /** All of the file; undefined when it is not valid, or no YAML. */
  readAll<S extends z.ZodType>(schema: S): z.output<S> | undefined {
    return this.problems.length > 0 ? undefined : this.read(schema, this.content);
  }

  /** The value at `path` as `schema` has it; undefined when it is not valid, and then that is reported. */
  read<S extends z.ZodType>(schema: S, value: unknown, path: FieldPath = []): z.output<S> | undefined {
    const result = schema.safeParse(value, { error: ({ input }) => (input === undefined ? 'is missing' : undefined) });
    if (result.success) return result.data;
    for (const issue of result.error.issues) {
      const where = [...path, ...(issue.path as FieldPath)];
      if (issue.code !== 'unrecognized_keys') this.report(where, issue.message);
      else for (const key of issue.keys) this.report([...where, key], issue.message);
    }
    return undefined;
  }

  report(path: FieldPath, message: string): void {
    this.problems.push({ ...this.placeOf(path), message });
  }

  placeOf(path: FieldPath): Place {
    return this.place(this.offsetOf(path), fieldName(path));
  }

  private checkSyntax(root: Document): void {
    for (const { pos, message } of [...root.errors, ...root.warnings]) this.add(pos[0], '(yaml)', message);
    visit(root, {
      Alias: (_key, { range }) => this.add(range?.[0] ?? 0, '(yaml)', 'aliases are not offered; write the value out'),
      Pair: (_key, { key }) => {
        // zod passes over this one key in silence.
        if (isScalar(key) && key.value === '__proto__') this.add(key.range?.[0] ?? 0, '__proto__', 'unknown key');
      },
    });
  }

  /** Where the key or list item at `path` stands, or else the nearest one around it. */
  private offsetOf(path: FieldPath): number {
    let node: unknown = this.root?.contents;
    let offset = startOf(node) ?? 0;
    for (const segment of path) {
      if (isMap(node)) {
        const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(segment));
        if (pair === undefined) break;
        offset = startOf(pair.key) ?? offset;
        node = pair.value;
      } else {
        node = isSeq(node) ? node.items[Number(segment)] : undefined;
        offset = startOf(node) ?? offset;
      }
    }
    return offset;
  }

  private add(offset: number, field: string, message: string): void {
    this.problems.push({ ...this.place(offset, field), message });
  }

  private place(offset: number, field: string): Place {
    // A file without a line break has no lines to the counter before it was parsed.
    const { line, col } = this.lines.lineStarts.length > 0 ? this.lines.linePos(offset) : { line: 1, col: 1 };
    return { file: this.name, line: Math.max(line, 1), column: Math.max(col, 1), field };
  }
}

function startOf(node: unknown): number | undefined {
  return isAlias(node) || isScalar(node) || isMap(node) || isSeq(node) ? node.range?.[0] : undefined;
}

function fieldName(path: FieldPath): string {
  if (path.length === 0) return '(file)';
  const parts = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part === '' ? '""' : part}`));
  return parts.join('').replace(/^\./, '');
}

/** An object of the catalog: keys that it does not have are refused, and the message says which it has. */
export function strict<S extends z.core.$ZodLooseShape>(shape: S) {
  const known = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: ({ code }) => (code === 'unrecognized_keys' ? `unknown key; the keys here are ${known}` : undefined),
  });
}

/** A name that clients, topics and metrics can carry. */
export const name = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'use lower-case letters, digits and "-", at most 63');

/** The entries of a map of the catalog, each to be read on its own so that one that is broken hides no other. */
export const entries = z.record(z.string(), z.unknown()).refine((map) => Object.keys(map).length > 0, 'is empty');
