import { Counter, Gauge, type Registry } from '@tidegate/telemetry';

/** What the operator of the door sees. */
export class ConnectionMetrics {
  readonly connections: Gauge;
  readonly devices: Gauge;
  readonly frames: Counter<'kind'>;
  readonly nacks: Counter<'code'>;
  readonly goodbyes: Counter<'code'>;
  readonly turnedAway: Counter<'reason'>;
  readonly duplicates: Counter;
  readonly jumps: Counter;

  constructor(registry: Registry) {
    const registers = [registry];
    const gauge = (name: string, help: string) => new Gauge({ name: `tidegate_iot_${name}`, help, registers });
    const counter = <Label extends string = never>(name: string, help: string, labelNames: Label[] = []) =>
      new Counter<Label>({ name: `tidegate_iot_${name}_total`, help, labelNames, registers });
    this.connections = gauge('connections', 'Open connections');
    this.devices = gauge('devices', 'Connections whose device said Hello');
    this.frames = counter('frames', 'Frames that could be decoded', ['kind']);
    this.nacks = counter('nacks', 'Frames that were refused', ['code']);
    this.goodbyes = counter('goodbyes', 'Connections that were ended with a reason', ['code']);
    this.turnedAway = counter('connections_refused', 'Connections that were closed at once', ['reason']);
    this.duplicates = counter('duplicates', 'Telemetry frames that were acknowledged again and not written twice');
    this.jumps = counter('sequence_jumps', 'Telemetry frames ahead of the next expected one');
  }
}
