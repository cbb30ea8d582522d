import type { AuditEntry, AuditLog } from '@tidegate/audit';
import type { DeviceIdentity } from '@tidegate/auth';
import type { Placement } from '@tidegate/kafka';
import { randomUUID } from 'node:crypto';
import { deviceKey } from './device';

type Partition = Pick<Placement, 'topic' | 'partition'> & { from: bigint; to: bigint };

const minuteMs = 60_000;

/** What the audit hears of a device's session: its start, where its frames went each minute, and its end. */
export class SessionAudit {
  private readonly id = randomUUID();
  private readonly startedAtMs = Date.now();
  private toldAtMs = this.startedAtMs;
  private written: Partition[] = [];

  constructor(
    private readonly log: AuditLog,
    private readonly device: DeviceIdentity,
    private readonly address: string,
  ) {
    this.tell('start', 'welcome');
  }

  /** A device that was not believed, by the name that it gave. */
  static refused(
    log: AuditLog,
    device: DeviceIdentity,
    { address, outcome }: { address: string; outcome: string },
  ): void {
    log.record({
      ...about(device),
      type: 'device.refused',
      decision: 'deny',
      outcome,
      address,
      resource: resource(device),
    });
  }

  wrote({ topic, partition, offset }: Placement): void {
    const at = BigInt(offset);
    const known = this.written.find((range) => range.partition === partition && range.topic === topic);
    if (known === undefined) this.written.push({ topic, partition, from: at, to: at + 1n });
    else if (at >= known.to) known.to = at + 1n;
  }

  /** Tells of the last minute, if it is over and there is something to tell. */
  tick(nowMs: number): void {
    if (nowMs - this.toldAtMs >= minuteMs && this.written.length > 0) this.tell('minute', 'open');
  }

  end(outcome: string): void {
    this.tell('end', outcome);
  }

  private tell(name: 'start' | 'minute' | 'end', outcome: string): void {
    this.toldAtMs = Date.now();
    const { id: sessionId, address, device, written } = this;
    this.written = [];
    const topics = written.map(({ topic, partition, from, to }) => ({
      topic,
      ranges: [{ partition, from: String(from), to: String(to) }],
    }));
    this.log.record({
      ...about(device),
      ...{ type: `device.${name}`, decision: 'allow', outcome, sessionId, address },
      resource: { ...resource(device), ...(topics.length > 0 && { topics }) },
      ...(name === 'end' && { latencyMs: this.toldAtMs - this.startedAtMs }),
    });
  }
}

function about({ tenant, deviceId }: DeviceIdentity): Pick<AuditEntry, 'operation' | 'action' | 'actor' | 'grants'> {
  const actor = { type: 'device', subject: deviceId, tenant, roles: ['device'], method: 'device-token' } as const;
  return { operation: 'device.session', action: 'write', grants: [], actor: { ...actor, roles: [...actor.roles] } };
}

function resource(device: DeviceIdentity): AuditEntry['resource'] {
  return { device: deviceKey(device) };
}
