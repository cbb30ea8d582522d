import { Counter, Gauge, Histogram, type Registry } from '@tidegate/telemetry';

export interface KafkaMetrics {
  sendSeconds: Histogram;
  /** What `kafka_queue_bytes` is the sum of. */
  queues: Set<{ readonly bytes: number }>;
  /** What `kafka_connections` is the sum of, with the kind of client that each serves. */
  clusters: Map<{ readonly connections: number }, string>;
  fetchSeconds: Histogram;
  tailLag: Gauge;
  metadataAge: Gauge;
  groupLag: Gauge;
  groupBatchSeconds: Histogram;
  groupJoins: Counter;
  errors: Counter;
  retries: Counter;
  batchRecords: Histogram;
  batchBytes: Histogram;
}

/** From a good disk on the same host (1 ms) to the deadline of a send (10 s). */
const latencyBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const made = new WeakMap<Registry, KafkaMetrics>();

/** The same metrics for all clients that share a registry. */
export function kafkaMetrics(registry: Registry): KafkaMetrics {
  const known = made.get(registry);
  if (known) return known;
  const registers = [registry];
  const queues: KafkaMetrics['queues'] = new Set();
  // Summed up when somebody looks: a record that comes and goes costs nothing here.
  new Gauge({
    name: 'kafka_queue_bytes',
    help: 'Bytes of records not acknowledged yet',
    registers,
    collect() {
      this.set([...queues].reduce((sum, { bytes }) => sum + bytes, 0));
    },
  });
  const clusters: KafkaMetrics['clusters'] = new Map();
  new Gauge({
    name: 'kafka_connections',
    help: 'Open connections to brokers by client; those that kafkajs makes for groups are not counted',
    labelNames: ['client'],
    registers,
    collect() {
      this.reset();
      for (const [{ connections }, client] of clusters) this.inc({ client }, connections);
    },
  });
  const metrics = {
    sendSeconds: new Histogram({
      name: 'kafka_send_seconds',
      help: 'From send to acknowledgement, of the first record of each batch',
      buckets: latencyBuckets,
      registers,
    }),
    queues,
    clusters,
    fetchSeconds: new Histogram({
      name: 'kafka_fetch_seconds',
      help: 'Duration of fetches; those of a tail include the wait for records',
      labelNames: ['client'],
      buckets: latencyBuckets,
      registers,
    }),
    tailLag: new Gauge({
      name: 'kafka_tail_lag_records',
      help: 'Offsets between a tail and the end of the log, of the partition that is furthest behind',
      labelNames: ['topic'],
      registers,
    }),
    metadataAge: new Gauge({
      name: 'kafka_metadata_age_seconds',
      help: 'Since the metadata of the topics that are followed was last seen',
      labelNames: ['client'],
      registers,
    }),
    groupLag: new Gauge({
      name: 'kafka_group_lag_records',
      help: 'Committed records that a group has not committed yet, of all partitions',
      labelNames: ['group', 'topic'],
      registers,
    }),
    groupBatchSeconds: new Histogram({
      name: 'kafka_group_batch_seconds',
      help: 'What the work on one batch took',
      labelNames: ['group'],
      buckets: latencyBuckets,
      registers,
    }),
    groupJoins: new Counter({
      name: 'kafka_group_joins_total',
      help: 'Times that this process joined a group: at its start, in rebalances and after crashes',
      labelNames: ['group'],
      registers,
    }),
    errors: new Counter({
      name: 'kafka_errors_total',
      help: 'Failed requests and records by client and kind',
      labelNames: ['client', 'kind'],
      registers,
    }),
    retries: new Counter({
      name: 'kafka_retries_total',
      help: 'Tries that were made again after a failure, by client',
      labelNames: ['client'],
      registers,
    }),
    batchRecords: new Histogram({
      name: 'kafka_batch_records',
      help: 'Records of one acknowledged batch',
      buckets: [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000],
      registers,
    }),
    batchBytes: new Histogram({
      name: 'kafka_batch_bytes',
      help: 'Bytes of one acknowledged batch as it went over the wire',
      buckets: [300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000],
      registers,
    }),
  };
  made.set(registry, metrics);
  return metrics;
}
