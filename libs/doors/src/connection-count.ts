import { AppError } from '@tidegate/errors';
import { Gauge, type Registry } from '@tidegate/telemetry';

/** Connections of all doors of the process, counted and bounded. */
export class ConnectionCount {
  private open = 0;
  private readonly gauge: Gauge<'door'>;

  constructor(
    private readonly most: number,
    registry: Registry,
  ) {
    this.gauge = new Gauge({
      name: 'tidegate_door_connections',
      help: 'Open streaming connections',
      labelNames: ['door'],
      registers: [registry],
    });
  }

  /** What it returns gives the place back, once. @throws AppError `unavailable` when all are taken */
  take(door: 'websocket' | 'sse'): () => void {
    if (this.open >= this.most) {
      throw new AppError('unavailable', 'This server holds as many streams as it can; connect again.', {
        retryAfterMs: 5_000,
      });
    }
    this.open++;
    this.gauge.inc({ door });
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.open--;
      this.gauge.dec({ door });
    };
  }
}
