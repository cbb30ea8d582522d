import type { StreamFormat } from '@tidegate/catalog';
import { avroFormat } from './avro-format';
import { cborFormat } from './cbor-format';
import { jsonFormat, type PayloadFormat } from './payload-format';
import { protobufFormat } from './protobuf-format';

/** What makes rows of records, by the catalog's `format`. */
export function formatOf(format: StreamFormat = 'json'): PayloadFormat {
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
