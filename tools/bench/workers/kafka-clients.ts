import type { KafkaDeps } from '@tidegate/kafka';
import { createLogger, createRegistry } from '@tidegate/telemetry';
import { Kafka, logLevel } from 'kafkajs';

export type ClientName = 'tidegate' | 'kafkajs';

export function kafkaDeps(): KafkaDeps {
  return { logger: createLogger({ service: 'bench', level: 'silent' }), registry: createRegistry() };
}

export function kafkajsClient(brokers: string[]): Kafka {
  process.env['KAFKAJS_NO_PARTITIONER_WARNING'] = '1';
  return new Kafka({ brokers, clientId: 'bench', logLevel: logLevel.NOTHING });
}
