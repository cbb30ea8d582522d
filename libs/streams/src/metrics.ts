import { Counter, Gauge, type Registry } from '@tidegate/telemetry';

/** What operators see of the streams. Labels are stream and topic names of the catalog, so their number is bounded. */
export class StreamMetrics {
  readonly sessions: Gauge<'stream'>;
  readonly rows: Counter<'stream'>;
  readonly scanned: Counter<'stream'>;
  readonly badRecords: Counter<'topic' | 'kind'>;
  readonly withheldTombstones: Counter<'stream'>;
  readonly gaps: Counter<'stream' | 'reason'>;
  readonly byes: Counter<'stream' | 'code'>;
  readonly commits: Counter<'stream' | 'outcome'>;
  readonly lastValues: Gauge<'stream'>;
  readonly lastValueBytes: Gauge<'stream'>;
  readonly lastValuesGivenUp: Counter<'stream'>;
  readonly tails: Gauge;
  readonly tailLag: Gauge<'topic'>;

  constructor(registry: Registry, ringBytes: () => number) {
    const registers = [registry];
    const counter = <L extends string>(name: string, help: string, labelNames: L[]) =>
      new Counter({ name: `tidegate_stream_${name}`, help, labelNames, registers });
    const gauge = <L extends string>(name: string, help: string, labelNames: L[]) =>
      new Gauge({ name: `tidegate_stream_${name}`, help, labelNames, registers });
    this.sessions = gauge('sessions', 'Open stream sessions', ['stream']);
    this.lastValues = gauge('last_values', 'Entities whose last value is kept', ['stream']);
    this.lastValueBytes = gauge('last_value_bytes', 'What they take in memory, about', ['stream']);
    this.lastValuesGivenUp = counter('last_values_given_up_total', 'Last values that were too many', ['stream']);
    this.rows = counter('rows_total', 'Rows delivered to sessions and readers', ['stream']);
    this.scanned = counter('scanned_records_total', 'Records looked at for a replay or read', ['stream']);
    this.badRecords = counter('bad_records_total', 'Records, or rows of them, skipped as broken', ['topic', 'kind']);
    this.withheldTombstones = counter('withheld_tombstones_total', 'Deletes whose owner is not known', ['stream']);
    this.gaps = counter('gaps_total', 'Gap markers sent', ['stream', 'reason']);
    this.byes = counter('byes_total', 'Sessions ended by the server', ['stream', 'code']);
    this.commits = counter('commits_total', 'Commits of durable positions', ['stream', 'outcome']);
    this.tails = new Gauge({ name: 'tidegate_stream_tails', help: 'Topics being tailed', registers });
    this.tailLag = new Gauge({
      name: 'tidegate_stream_tail_lag_seconds',
      help: 'Age of the newest record when it arrived',
      labelNames: ['topic'],
      registers,
    });
    new Gauge({
      name: 'tidegate_stream_ring_bytes',
      help: 'Bytes in the rings of recent records',
      registers,
      collect() {
        this.set(ringBytes());
      },
    });
  }
}
