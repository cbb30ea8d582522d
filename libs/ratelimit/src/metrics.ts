import { Counter, Gauge, type Registry } from '@tidegate/telemetry';

/** What operators see of the limits. Labels are names of the limits file, so their number is bounded. */
export class LimitMetrics {
  readonly requests: Counter<'limit' | 'outcome'>;
  readonly waiting: Gauge;
  readonly redisFailures: Counter;
  readonly withoutRedis: Gauge;

  constructor(registry: Registry) {
    const registers = [registry];
    this.requests = new Counter({
      name: 'tidegate_limit_requests_total',
      help: 'Requests counted against a limit: admitted, waited, refused',
      labelNames: ['limit', 'outcome'],
      registers,
    });
    this.waiting = new Gauge({ name: 'tidegate_limit_waiting', help: 'Requests waiting for their turn', registers });
    this.redisFailures = new Counter({
      name: 'tidegate_limit_redis_failures_total',
      help: 'Requests that Redis did not count in time, and this process did',
      registers,
    });
    this.withoutRedis = new Gauge({
      name: 'tidegate_limit_without_redis',
      help: '1 while Redis is down and each replica gives its share',
      registers,
    });
  }
}
