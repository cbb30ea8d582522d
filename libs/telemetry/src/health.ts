/** How one dependency is doing; `reason` is shown on the ops port, so it holds no secret. */
export type Health = { ok: true } | { ok: false; reason: string };

/** A dependency that `/readyz` asks. Not ready as long as a required one fails. */
export interface HealthCheck {
  readonly name: string;
  readonly required: boolean;
  check(): Promise<Health> | Health;
}
