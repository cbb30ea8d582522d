import { contractSchemas, contractShapes, type ContractName, type Shape } from '@tidegate/contracts';
import type { Condition } from '@tidegate/expression';
import { z } from 'zod';
import { entries, name, strict, type CatalogFile, type FieldPath } from './catalog-file';
import type { ProtoFiles } from './proto-files';
import { checkTopics, sourcePattern, sourceTopic } from './source-topics';
import { formatSchema, readFormat, type StreamFormat } from './stream-format';
import { isView, readView, viewSchema } from './views';

const contractNames = Object.keys(contractSchemas) as [ContractName, ...ContractName[]];
const field = z.string().min(1);
const count = (max: number) => z.int().min(1).max(max);

const streamSchema = strict({
  sources: z
    .array(
      strict({
        topic: sourceTopic.exactOptional(),
        pattern: sourcePattern.exactOptional(),
        format: formatSchema.exactOptional(),
      }),
    )
    .min(1),
  format: formatSchema.exactOptional(),
  rows: field.exactOptional(),
  key: z.array(field).min(1),
  subject: field.exactOptional(),
  tenant: field,
  schema: z.enum(contractNames, `is no contract; there are ${contractNames.join(', ')}`),
  resume: strict({
    maxScanned: count(10_000_000).default(200_000),
    maxMs: count(60_000).default(2_000),
  }).prefault({}),
  latest: strict({
    maxKeys: count(10_000_000).default(200_000),
    maxBytes: count(2 ** 40).default(268_435_456),
  }).exactOptional(),
  retentionDays: count(36_500).exactOptional(),
});
const fileSchema = strict({ streams: entries });

/** The whole file, for editors. */
export const streamsFileSchema = strict({ streams: z.record(name, z.union([streamSchema, viewSchema])) });

export interface StreamSource {
  /** With `{tenant}` in it, a topic for each tenant, with rows of that tenant only. */
  readonly topic: string;
  /** What its records are written in. */
  readonly format?: StreamFormat;
}

/** All topics that its name fits, as they appear. */
export interface TopicPattern {
  readonly pattern: string;
  readonly format?: StreamFormat;
}

/** A logical name for physical topics. */
export interface Stream {
  readonly name: string;
  readonly sources: readonly (StreamSource | TopicPattern)[];
  /** What records of its sources are written in that say nothing else; JSON where it says nothing either. */
  readonly format?: StreamFormat;
  /** The array of a record that holds its rows; the other fields of the record are part of each. */
  readonly rows?: string;
  /** The fields that identify an entity. */
  readonly key: readonly string[];
  /** The field that names the person whose data a row is. */
  readonly subject?: string;
  /** The field that names the tenant of a row. */
  readonly tenant: string;
  readonly schema: ContractName;
  /** What one resume may cost. */
  readonly resume: { readonly maxScanned: number; readonly maxMs: number };
  /** Offers the last value of each entity, and how many of them it may keep in memory. */
  readonly latest?: { readonly maxKeys: number; readonly maxBytes: number };
  /** Older rows are not shown. */
  readonly retentionDays?: number;
  /** Of a view, which is some rows of another stream under a name of its own, and like it in all else. */
  readonly view?: { readonly from: string; readonly where: Condition };
}

export interface Streams {
  readonly valid: ReadonlyMap<string, Stream>;
  /** Every name that the file declares, broken streams too; undefined when the file could not be read that far. */
  readonly declared: ReadonlySet<string> | undefined;
}

/** What stands beside the file. */
export interface StreamsContext {
  protos: ProtoFiles;
  tenants: ReadonlyMap<string, unknown>;
}

export function readStreams(file: CatalogFile, context: StreamsContext): Streams {
  const declared = file.readAll(fileSchema)?.streams;
  const streams = new Map<string, Stream>();
  // A view may stand before its stream.
  for (const views of [false, true]) {
    for (const [id, value] of Object.entries(declared ?? {})) {
      if (isView(value) !== views) continue;
      const named = file.read(name, id, ['streams', id]) !== undefined;
      const stream = views
        ? readView(file, id, value, { valid: streams, declared: declared ?? {} })
        : readStream(file, id, value, context);
      if (named && stream !== undefined) streams.set(id, stream);
    }
  }
  return { valid: streams, declared: declared && new Set(Object.keys(declared)) };
}

function readStream(file: CatalogFile, id: string, value: unknown, context: StreamsContext): Stream | undefined {
  const path = ['streams', id];
  const stream = file.read(streamSchema, value, path);
  if (stream === undefined) return undefined;
  checkFields(file, path, stream);
  checkTopics(file, path, stream.sources, [...context.tenants.keys()]);
  const { protos } = context;
  const { rows, key, tenant, subject } = stream;
  const fields = rows === undefined ? [...key, tenant, ...(subject === undefined ? [] : [subject])] : [rows];
  const readFormatAt = (at: FieldPath, from: typeof stream.format): Pick<Stream, 'format'> => {
    const format = from && readFormat(file, [...path, ...at, 'format'], from, { fields, protos });
    return format === undefined ? {} : { format };
  };
  const { format, sources, ...rest } = stream;
  return {
    ...{ name: id, ...rest, ...readFormatAt([], format) },
    sources: sources.map(({ topic = '', pattern, ...source }, n) => ({
      ...(pattern === undefined ? { topic } : { pattern }),
      ...readFormatAt(['sources', n], source.format),
    })),
  };
}

function checkFields(file: CatalogFile, path: FieldPath, stream: z.output<typeof streamSchema>): void {
  const { fields } = contractShapes[stream.schema];
  const check = (at: FieldPath, fieldName: string, kinds: readonly Shape['kind'][]) => {
    const shape = fields.get(fieldName);
    if (shape === undefined) {
      file.report(
        at,
        `the contract ${stream.schema} has no field "${fieldName}"; it has ${[...fields.keys()].join(', ')}`,
      );
    } else if (!kinds.includes(shape.kind) || shape.nullable) {
      file.report(at, `"${fieldName}" cannot be used here; it must be a ${kinds.join(' or ')} that is always there`);
    }
  };
  stream.key.forEach((part, index) => {
    check([...path, 'key', index], part, ['string', 'number']);
    if (stream.key.indexOf(part) !== index) file.report([...path, 'key', index], `"${part}" is named twice`);
  });
  if (stream.subject !== undefined) check([...path, 'subject'], stream.subject, ['string']);
  check([...path, 'tenant'], stream.tenant, ['string']);
  if (stream.rows !== undefined && fields.has(stream.rows)) {
    const detail = `"${stream.rows}" is a field of the contract ${stream.schema}, so it cannot be what holds the rows`;
    file.report([...path, 'rows'], detail);
  }
}
