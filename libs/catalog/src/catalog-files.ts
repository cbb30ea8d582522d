import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CatalogFile } from './catalog-file';

/** The text of a file, or why it could not be read. */
export type FileText = string | { readonly unreadable: string };

/** Files of a directory that are read and validated together. */
export interface CatalogFiles<T, Name extends string = string> {
  /** What metrics and logs call them. */
  readonly name: string;
  readonly directory: string;
  readonly files: readonly Name[];
  /** What they may name: files whose names are like this are read as well. */
  readonly beside?: RegExp;
  /** @throws CatalogError with every problem of all of them */
  parse(texts: Readonly<Record<Name, FileText>>): T;
}

/** @throws CatalogError */
export function loadFiles<T>(source: CatalogFiles<T>): T {
  return source.parse(readTextsNow(source));
}

export function readTextsNow(source: CatalogFiles<unknown>): Record<string, FileText> {
  const names = [...source.files, ...besideThem(source, namesNow(source))];
  return textsOf(
    names.map((name) => textNow(join(source.directory, name))),
    names,
  );
}

export async function readTexts(source: CatalogFiles<unknown>): Promise<Record<string, FileText>> {
  const { directory, files, beside } = source;
  const there = beside === undefined ? [] : await readdir(directory).catch(() => []);
  const names = [...files, ...besideThem(source, there)];
  const texts = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8').catch(unreadable)));
  return textsOf(texts, names);
}

function besideThem({ beside }: CatalogFiles<unknown>, there: readonly string[]): string[] {
  return there.filter((name) => beside?.test(name)).sort();
}

function namesNow({ directory, beside }: CatalogFiles<unknown>): string[] {
  try {
    return beside === undefined ? [] : readdirSync(directory);
  } catch {
    // What is missing is said of the files that every catalog has.
    return [];
  }
}

export function catalogFileOf<Name extends string>(texts: Readonly<Record<Name, FileText>>, name: Name): CatalogFile {
  const text: FileText = texts[name];
  return typeof text === 'string' ? new CatalogFile(name, text) : CatalogFile.missing(name, text.unreadable);
}

function textsOf(texts: readonly FileText[], files: readonly string[]): Record<string, FileText> {
  return Object.fromEntries(files.map((name, index) => [name, texts[index] ?? { unreadable: 'unknown' }]));
}

function textNow(path: string): FileText {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    return unreadable(error);
  }
}

function unreadable(error: unknown): FileText {
  return { unreadable: (error as NodeJS.ErrnoException).code ?? 'unknown' };
}
