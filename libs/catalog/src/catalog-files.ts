import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
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
  /** @throws CatalogError with every problem of all of them */
  parse(texts: Readonly<Record<Name, FileText>>): T;
}

/** @throws CatalogError */
export function loadFiles<T>(source: CatalogFiles<T>): T {
  return source.parse(readTextsNow(source));
}

export function readTextsNow({ directory, files }: CatalogFiles<unknown>): Record<string, FileText> {
  return textsOf(
    files.map((name) => textNow(join(directory, name))),
    files,
  );
}

export async function readTexts({ directory, files }: CatalogFiles<unknown>): Promise<Record<string, FileText>> {
  const texts = await Promise.all(files.map((name) => readFile(join(directory, name), 'utf8').catch(unreadable)));
  return textsOf(texts, files);
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
