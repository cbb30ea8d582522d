import type { JsonObject, JsonValue } from '@tidegate/contracts';
import { moment } from './moments';
import { PayloadError } from './payload-format';

const wrapped = ['Double', 'Float', 'Int64', 'UInt64', 'Int32', 'UInt32', 'Bool', 'String', 'Bytes'];

/** Messages of Google's that stand for something that JSON has a word for, as ProtoJSON says it. */
export const wellKnown: ReadonlyMap<string, (message: JsonObject) => JsonValue> = new Map([
  ['.google.protobuf.Timestamp', timestamp],
  ['.google.protobuf.Struct', ({ fields }: JsonObject): JsonValue => fields ?? {}],
  ['.google.protobuf.ListValue', ({ values }: JsonObject): JsonValue => values ?? []],
  ['.google.protobuf.Value', anyValue],
  ...wrapped.map((name) => [`.google.protobuf.${name}Value`, ({ value }: JsonObject) => value ?? null] as const),
]);

function timestamp({ seconds, nanos }: JsonObject): JsonValue {
  const text = typeof seconds === 'number' && typeof nanos === 'number' ? moment(seconds, nanos) : undefined;
  if (text === undefined) throw new PayloadError('Protobuf: a timestamp beyond the years 1 to 9999');
  return text;
}

function anyValue(message: JsonObject): JsonValue {
  return 'nullValue' in message ? null : (Object.values(message)[0] ?? null);
}
