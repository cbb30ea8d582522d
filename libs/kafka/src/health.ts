import type { Health, HealthCheck } from '@tidegate/telemetry';

/** Producer, RangeReader, TailPool and ConsumerGroup are sources. */
export interface KafkaHealthSource {
  check(): Promise<Health> | Health;
}

export interface KafkaHealthOptions {
  /** `kafka` by default. */
  name?: string;
  /** True by default. */
  required?: boolean;
}

/**
 * Whether Kafka serves this process, from facts: the age of the last good answer and fetch of each client, and where that is too old a
 * question to the brokers now. Nothing is remembered as a flag, so that a loop that died is seen.
 */
export class KafkaHealth implements HealthCheck {
  readonly name: string;
  readonly required: boolean;

  constructor(
    private readonly sources: readonly KafkaHealthSource[],
    { name = 'kafka', required = true }: KafkaHealthOptions = {},
  ) {
    this.name = name;
    this.required = required;
  }

  async check(): Promise<Health> {
    const healths = await Promise.all(this.sources.map(async (source) => source.check()));
    const reasons = healths.flatMap((health) => (health.ok ? [] : [health.reason]));
    return reasons.length === 0 ? { ok: true } : { ok: false, reason: [...new Set(reasons)].join('; ') };
  }
}
