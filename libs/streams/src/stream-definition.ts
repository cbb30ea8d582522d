import type { Stream } from '@tidegate/catalog';

const known = new WeakMap<Stream, string>();

/** Equal for streams whose records are the same rows, also over changes of the catalog. */
export function definitionOf(stream: Stream): string {
  const text = known.get(stream) ?? define(stream);
  known.set(stream, text);
  return text;
}

function define({ view: _, sources, format, ...rest }: Stream): string {
  const written = sources.map((source) => ({ ...source, format: plain(source.format) }));
  return JSON.stringify([rest, plain(format), written]);
}

/** A message is written out with all that its files say. */
function plain(format: Stream['format']): unknown {
  if (typeof format !== 'object') return format;
  const { message, ...rest } = format;
  return { ...rest, message: message.fullName, files: message.root.toJSON() };
}
