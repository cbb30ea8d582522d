import type { Stream, StreamFormat } from '@tidegate/catalog';
import { avroFormat } from './avro-format';
import { cborFormat } from './cbor-format';
import { jsonFormat, type PayloadFormat } from './payload-format';
import { protobufFormat } from './protobuf-format';
import { sourceOfTopic } from './scoped-stream';

/** What the records of a topic are written in, for a stream that they are part of. */
export function formatOfTopic(stream: Stream, topic: string): StreamFormat {
  return sourceOfTopic(stream, topic)?.format ?? stream.format ?? 'json';
}

/** What makes rows of the records of a stream. */
export class StreamFormats {
  private readonly known = new Map<string, PayloadFormat>();

  constructor(private readonly stream: Stream) {}

  of(topic: string): PayloadFormat {
    const known = this.known.get(topic);
    if (known !== undefined) return known;
    const format = payloadFormat(formatOfTopic(this.stream, topic));
    this.known.set(topic, format);
    return format;
  }
}

function payloadFormat(format: StreamFormat): PayloadFormat {
  if (typeof format === 'object') return protobufFormat(format);
  switch (format) {
    case 'json':
      return jsonFormat;
    case 'cbor':
      return cborFormat;
    case 'avro':
      return avroFormat;
  }
}
