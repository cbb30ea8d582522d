import type { Principal } from '@tidegate/auth';
import type { Catalog } from '@tidegate/catalog';
import type { JsonObject, JsonValue } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import type { RangeReader, TailPool } from '@tidegate/kafka';
import type { Policy } from '@tidegate/policy';
import type { HealthCheck, Logger, Registry } from '@tidegate/telemetry';
import type { StreamLimits } from './limits';
import type { GapReason, SessionSink } from './session-sink';

export interface StreamHubOptions {
  catalog: Catalog;
  policy: Policy;
  tails: Pick<TailPool, 'open'>;
  ranges: Pick<RangeReader, 'readRange' | 'offsets'>;
  /** At least 32 bytes each; the first seals, all open. */
  cursorKeys: readonly Buffer[];
  logger: Logger;
  registry: Registry;
  limits?: Partial<StreamLimits>;
}

/** Where to begin: a cursor, or else `from` (`latest` by default; `earliest` or an RFC 3339 time). */
export interface StreamStart {
  after?: string;
  from?: string;
}

export interface ReadOptions extends StreamStart {
  limit: number;
  /** How long to wait for a first row when there is none yet. */
  waitMs: number;
  signal?: AbortSignal;
}

export interface RecordsPage {
  /** Written out by `stringifyJson`, they keep every digit. */
  records: JsonObject[];
  gone: JsonValue[][];
  cursor: string;
  gap: { reason: GapReason } | null;
}

export interface Session {
  readonly id: string;
  /** A fresh credential of the same caller. @throws AppError `permission_denied` when subject or tenant differ. */
  updatePrincipal(principal: Principal): void;
  close(): void;
}

/** Streams of the catalog for any transport: shared tails, a position per session, the caller's view of every row. */
export class StreamHub {
  readonly health: HealthCheck = { name: 'streams', required: false, check: () => ({ ok: true }) };

  constructor(_options: StreamHubOptions) {}

  /** @throws AppError `not_found`, `invalid_cursor`, `foreign_cursor`, `invalid_argument` or `unavailable`. */
  subscribe(_principal: Principal, _stream: string, _start: StreamStart, _sink: SessionSink): Promise<Session> {
    return Promise.reject(new AppError('unavailable', 'Not written yet.'));
  }

  read(_principal: Principal, _stream: string, _options: ReadOptions): Promise<RecordsPage> {
    return Promise.reject(new AppError('unavailable', 'Not written yet.'));
  }

  /** Every session gets its last cursor and `restart`; new ones are refused. */
  drain(): void {}

  async close(): Promise<void> {}
}
