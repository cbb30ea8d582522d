import type { Principal } from '@tidegate/auth';
import { AppError } from '@tidegate/errors';
import { Gauge, type Registry } from '@tidegate/telemetry';

export interface ConnectionLimits {
  /** In all. */
  connections: number;
  /** Of one caller. */
  connectionsPerCaller: number;
}

type Caller = Pick<Principal, 'subject' | 'tenant'>;

/** Connections of all doors of the process, counted and bounded, in all and by caller. */
export class ConnectionCount {
  private open = 0;
  private readonly ofCaller = new Map<string, number>();
  private readonly gauge: Gauge<'door'>;

  constructor(
    private readonly limits: ConnectionLimits,
    registry: Registry,
  ) {
    this.gauge = new Gauge({
      name: 'tidegate_door_connections',
      help: 'Open streaming connections',
      labelNames: ['door'],
      registers: [registry],
    });
  }

  /**
   * What it returns gives the place back, once.
   * @throws AppError `unavailable` when all are taken, `rate_limited` when the caller has as many as one may have
   */
  take(door: 'websocket' | 'sse', { tenant, subject }: Caller): () => void {
    const caller = JSON.stringify([tenant, subject]);
    const own = this.ofCaller.get(caller) ?? 0;
    if (this.open >= this.limits.connections) {
      throw new AppError('unavailable', 'This server holds as many streams as it can; connect again.', {
        retryAfterMs: 5_000,
      });
    }
    if (own >= this.limits.connectionsPerCaller) {
      const detail = `You have ${own} connections open, as many as one caller may; close one first.`;
      throw new AppError('rate_limited', detail, { retryAfterMs: 5_000 });
    }
    this.open++;
    this.ofCaller.set(caller, own + 1);
    this.gauge.inc({ door });
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.open--;
      this.giveBack(caller);
      this.gauge.dec({ door });
    };
  }

  private giveBack(caller: string): void {
    const left = (this.ofCaller.get(caller) ?? 1) - 1;
    if (left > 0) this.ofCaller.set(caller, left);
    else this.ofCaller.delete(caller);
  }
}
