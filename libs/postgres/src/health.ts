import { AppError } from '@tidegate/errors';
import type { Health, HealthCheck } from '@tidegate/telemetry';
import type { Queryable } from './pool';

/** Ready means that a query succeeded just now. */
export class PostgresHealth implements HealthCheck {
  readonly name: string;
  readonly required: boolean;

  constructor(
    private readonly database: Queryable,
    { name = 'postgres', required = true }: { name?: string; required?: boolean } = {},
  ) {
    this.name = name;
    this.required = required;
  }

  async check(): Promise<Health> {
    try {
      await this.database.query('SELECT 1');
      return { ok: true };
    } catch (error) {
      return { ok: false, reason: AppError.is(error) ? error.message : 'The database refused a query.' };
    }
  }
}
