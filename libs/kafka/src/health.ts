import type { Health, HealthCheck } from '@tidegate/telemetry';

/** Producer, RangeReader, TailPool and ConsumerGroup are sources. */
export interface KafkaHealthSource {
  check(): Promise<Health> | Health;
}

export interface KafkaHealthOptions {
  name?: string;
  required?: boolean;
}

export class KafkaHealth implements HealthCheck {
  readonly name: string;
  readonly required: boolean;
  constructor(
    private readonly sources: readonly KafkaHealthSource[],
    options: KafkaHealthOptions = {},
  ) {
    this.name = options.name ?? 'kafka';
    this.required = options.required ?? true;
  }
  async check(): Promise<Health> {
    for (const source of this.sources) {
      const health = await source.check();
      if (!health.ok) return health;
    }
    return { ok: true };
  }
}
