import {
  common,
  parse,
  Root,
  type IParserResult,
  type NamespaceBase,
  type ReflectionObject,
  type Type,
} from 'protobufjs';
import type { FileText } from './catalog-files';

/** Records are messages of a type. */
export interface ProtobufFormat {
  readonly message: Type;
  /** `confluent`: behind a zero, the id of a schema and `index`, as serializers of a schema registry write it. */
  readonly framing: 'none' | 'confluent';
  /** Which message of its file it is, from the outermost in. */
  readonly index: readonly number[];
}

export type ProtoFileName = `${string}.proto`;

/** A ConfigMap has no directories. */
export const protoFileName = /^[A-Za-z0-9_-][A-Za-z0-9._-]*\.proto$/;

/** The `.proto` files beside `streams.yaml`, and those of Google's that protobufjs knows. */
export class ProtoFiles {
  /** Names and texts that were read so far. */
  readonly used = new Map<string, string>();

  constructor(private readonly texts: Readonly<Record<ProtoFileName, FileText>>) {}

  /** @throws Error that says what is wrong with the file, or what it imports, or that it has no such message */
  message(file: string, name: string): Omit<ProtobufFormat, 'framing'> {
    const root = new Root();
    this.load(file, root, new Set());
    root.resolveAll();
    const message = root.lookupType(name);
    return { message, index: indexOf(message, file, this.read(file)) };
  }

  private load(file: string, root: Root, loaded: Set<string>): void {
    if (loaded.has(file)) return;
    loaded.add(file);
    const known = common.get(file);
    if (known !== null) {
      root.addJSON(known.nested ?? {});
      return;
    }
    if (!protoFileName.test(file)) throw new Error(`${file} cannot be imported; name a file beside streams.yaml`);
    const { imports = [], weakImports = [] } = parsed(file, this.read(file), root);
    for (const imported of [...imports, ...weakImports]) this.load(imported, root, loaded);
  }

  private read(file: string): string {
    const text = this.texts[file as ProtoFileName] ?? { unreadable: 'ENOENT' };
    if (typeof text !== 'string')
      throw new Error(`${file} cannot be read (${text.unreadable}); it stands beside streams.yaml`);
    this.used.set(file, text);
    return text;
  }
}

function parsed(file: string, text: string, root: Root): IParserResult {
  try {
    return parse(text, root, { keepCase: true });
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : 'cannot be parsed'}`, { cause: error });
  }
}

/** As it is declared: other files may add to its package. */
function indexOf({ fullName }: Type, file: string, text: string): number[] {
  const { root, package: packageName = '' } = parsed(file, text, new Root());
  let at: ReflectionObject | null = packageName === '' ? root : root.lookup(packageName);
  const names = fullName
    .slice(1)
    .split('.')
    .slice(packageName === '' ? 0 : packageName.split('.').length);
  return names.map((name) => {
    const types: ReflectionObject[] =
      at === null ? [] : (at as NamespaceBase).nestedArray.filter((one) => 'fieldsArray' in one);
    const index = types.findIndex((type) => type.name === name);
    if (index < 0) throw new Error(`${fullName.slice(1)} is not declared in ${file} itself`);
    at = types[index] ?? null;
    return index;
  });
}
