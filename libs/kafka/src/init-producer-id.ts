import { ByteReader } from './byte-reader';
import { ByteWriter } from './byte-writer';
import type { KafkaRequest } from './kafkajs-internals';

export interface InitProducerIdResponse {
  throttleMs: number;
  errorCode: number;
  producerId: bigint;
  epoch: number;
}

const noTransaction = -1;
/** Means nothing without a transaction, but has to be positive. */
const transactionTimeoutMs = 60_000;

/** InitProducerId version 1: any broker hands out an id that nobody had before. */
export function initProducerIdRequest(): KafkaRequest<InitProducerIdResponse> {
  return {
    apiKey: 22,
    apiVersion: 1,
    apiName: 'InitProducerId',
    body: new ByteWriter(8).int16(noTransaction).int32(transactionTimeoutMs).finish(),
    decode: decodeInitProducerId,
  };
}

/** @throws MalformedBytes */
export function decodeInitProducerId(bytes: Buffer): InitProducerIdResponse {
  const reader = new ByteReader(bytes);
  return {
    throttleMs: reader.int32(),
    errorCode: reader.int16(),
    producerId: reader.int64(),
    epoch: reader.int16(),
  };
}
