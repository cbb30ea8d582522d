import { AppError } from '@tidegate/errors';
import type { Logger } from './logger';

/** How one dependency is doing; `reason` is shown on the ops port, so it holds no secret. */
export type Health = { ok: true } | { ok: false; reason: string };

/** A dependency that `/readyz` asks. Not ready as long as a required one fails. */
export interface HealthCheck {
  readonly name: string;
  readonly required: boolean;
  check(): Promise<Health> | Health;
}

export type CheckReport = Record<string, Health & { required: boolean }>;

/** Asks all checks at once. One that hangs or throws is a failing one, and is not asked again while it hangs. */
export class Checks {
  private readonly all: HealthCheck[];
  private readonly running = new Map<HealthCheck, Promise<Health>>();

  constructor(
    checks: readonly HealthCheck[],
    private readonly timeoutMs: number,
    private readonly logger: Logger,
  ) {
    this.all = [...checks];
  }

  add(check: HealthCheck): void {
    this.all.push(check);
  }

  async run(): Promise<{ ready: boolean; checks: CheckReport }> {
    const entries = await Promise.all(
      this.all.map(async (check) => {
        const { ok, ...rest } = await this.inTime(check);
        return [check.name, { ok, required: check.required, ...rest } as CheckReport[string]] as const;
      }),
    );
    return { ready: entries.every(([, { ok, required }]) => ok || !required), checks: Object.fromEntries(entries) };
  }

  private async inTime(check: HealthCheck): Promise<Health> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Health>((resolve) => {
      const reason = `no answer within ${this.timeoutMs} ms`;
      timer = setTimeout(() => resolve({ ok: false, reason }), this.timeoutMs);
    });
    try {
      return await Promise.race([this.ask(check), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  private ask(check: HealthCheck): Promise<Health> {
    const pending = this.running.get(check);
    if (pending !== undefined) return pending;
    const asked = this.outcome(check).finally(() => this.running.delete(check));
    this.running.set(check, asked);
    return asked;
  }

  private async outcome(check: HealthCheck): Promise<Health> {
    try {
      return await check.check();
    } catch (error) {
      this.logger.debug({ err: error, check: check.name }, 'health check threw');
      return { ok: false, reason: AppError.is(error) ? error.message : 'the check failed' };
    }
  }
}
