export { KafkaAdmin, type TopicSpec } from './admin';
export { ConsumerGroup, type ConsumerGroupOptions, type ConsumerGroupSettings } from './consumer-group';
export { OffsetOutOfRange } from './errors';
export { KafkaHealth, type KafkaHealthOptions, type KafkaHealthSource } from './health';
export { kafkaOptionsSchema, type KafkaDeps, type KafkaOptions } from './options';
export { partitionOfKey } from './partitioner';
export { Producer, type Placement, type ProducerOptions, type ProducerRecord, type SendOptions } from './producer';
export { RangeReader, type OffsetsAt, type RangeRead, type TopicInfo } from './range-reader';
export { type KafkaRecord } from './record-batch';
export {
  TailPool,
  type ResetReason,
  type Tail,
  type TailListener,
  type TailPartition,
  type TailPoolOptions,
} from './tail-pool';
