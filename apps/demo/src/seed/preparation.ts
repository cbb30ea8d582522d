import { AppError } from '@tidegate/errors';
import { migrate, type Pool } from '@tidegate/postgres';
import type { Health, HealthCheck, Logger } from '@tidegate/telemetry';
import { migrations } from '../schema';
import { seedOnce } from './seed';

/** Makes the tables and, at the first start only, the data. Until then the services answer `unavailable`. */
export class Preparation implements HealthCheck {
  readonly name = 'data';
  readonly required = true;
  private done = false;
  private reason = 'The demo data is being prepared.';

  constructor(
    private readonly pool: Pool,
    private readonly dataDirectory: string,
    private readonly logger: Logger,
  ) {}

  /** One try. @throws AppError when the database is away. */
  async run(): Promise<void> {
    try {
      await migrate(this.pool, migrations);
      await seedOnce(this.pool, this.dataDirectory, this.logger);
      this.done = true;
    } catch (error) {
      this.reason = `The demo data is not prepared: ${AppError.from(error).message}`;
      throw error;
    }
  }

  /** @throws AppError `unavailable` */
  assertDone(): void {
    if (!this.done) throw new AppError('unavailable', this.reason, { retryAfterMs: 1_000 });
  }

  check(): Health {
    return this.done ? { ok: true } : { ok: false, reason: this.reason };
  }
}
