import { Counter, Gauge, type Registry } from '@tidegate/telemetry';

/** Of all watched files of a process, told apart by `catalog`. */
export class CatalogMetrics {
  readonly valid: Gauge<'catalog'>;
  readonly changedAt: Gauge<'catalog'>;
  readonly changes: Counter<'catalog' | 'outcome'>;

  constructor(private readonly registry: Registry) {
    this.valid = this.gauge(
      'tidegate_catalog_valid',
      '1 while the files as they are now are in use, 0 while they are broken',
    );
    this.changedAt = this.gauge('tidegate_catalog_changed_timestamp_seconds', 'When the contents in use were taken');
    this.changes = this.counter('tidegate_catalog_changes_total', 'Changes of the files, taken or refused');
  }

  private gauge(name: string, help: string): Gauge<'catalog'> {
    const known = this.registry.getSingleMetric(name);
    return known instanceof Gauge
      ? known
      : new Gauge({ name, help, labelNames: ['catalog'], registers: [this.registry] });
  }

  private counter(name: string, help: string): Counter<'catalog' | 'outcome'> {
    const known = this.registry.getSingleMetric(name);
    const labelNames = ['catalog', 'outcome'] as const;
    return known instanceof Counter ? known : new Counter({ name, help, labelNames, registers: [this.registry] });
  }
}
