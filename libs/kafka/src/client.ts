import type { Logger } from '@tidegate/telemetry';
import { CompressionCodecs, CompressionTypes, Kafka, logLevel, type LogEntry, type SASLOptions } from 'kafkajs';
import { decompress } from './compression';
import type { KafkaSettings } from './options';
import { kafkaJsSasl } from './security';
import { defaultMaxInflatedBytes } from './units';

/** kafkajs reads gzip only; the codecs of our own reader serve its group consumers too. */
const codecs = [
  [CompressionTypes.Snappy, 2],
  [CompressionTypes.LZ4, 3],
  [CompressionTypes.ZSTD, 4],
] as const;

for (const [type, codec] of codecs) {
  CompressionCodecs[type] = () => ({
    compress: () => Promise.reject(new Error('this client writes uncompressed batches only')),
    decompress: (bytes: Buffer) => Promise.resolve(decompress(codec, bytes, defaultMaxInflatedBytes)),
  });
}

/** kafkajs as groups and admin use it. Its own lines are for debugging: what matters is logged by the class that uses it. */
export function kafkaClient(settings: KafkaSettings, logger: Logger): Kafka {
  const { brokers, clientId, ssl, sasl, connectionTimeoutMs, requestTimeoutMs } = settings;
  return new Kafka({
    brokers,
    clientId,
    ssl,
    ...(sasl && { sasl: kafkaJsSasl(sasl) as SASLOptions }),
    connectionTimeout: connectionTimeoutMs,
    requestTimeout: requestTimeoutMs,
    // Without the cap a client comes back half a minute after its broker did.
    retry: { initialRetryTime: 200, maxRetryTime: 3_000, retries: 5 },
    logLevel: logLevel.WARN,
    logCreator: () => (entry: LogEntry) => logger.debug({ namespace: entry.namespace }, entry.log.message),
  });
}
