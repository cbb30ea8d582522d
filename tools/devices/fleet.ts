import { deviceToken } from './device-token.ts';
import { batchOf, readSensorFile, sensorNames, type SensorFile, type SensorName } from './sensor-files.ts';
import { SimulatedDevice, type CodecName } from './simulated-device.ts';

export interface FleetOptions {
  count: number;
  codecs: readonly CodecName[];
  port: number;
  host: string;
  /** Frames a second of each device. */
  rate: number;
  /** Rows of its file in a frame. */
  rows: number;
  tokenKeys: string | undefined;
}

interface Member {
  device: SimulatedDevice;
  file: SensorFile;
  row: number;
}

const tenants = ['north', 'south'] as const;
/** A device that cannot send keeps this many frames and then measures no more. */
const maxKept = 1_000;
const connectSpreadMs = 20;

/** Devices of all kinds and both tenants that measure what the sensor files say, the last row of a frame being now. */
export class Fleet {
  private readonly members: Member[];
  private readonly options: FleetOptions;
  private readonly timers: NodeJS.Timeout[] = [];

  constructor(options: FleetOptions) {
    this.options = options;
    const files = new Map(sensorNames.map((name) => [name, readSensorFile(name)]));
    this.members = Array.from({ length: options.count }, (_, index) => this.member(index, files));
  }

  get ackedFrames(): number {
    return this.sum(({ ackedFrames }) => ackedFrames);
  }

  get pending(): number {
    return this.sum(({ pending }) => pending);
  }

  get connected(): number {
    return this.sum(({ welcome }) => Number(welcome !== undefined));
  }

  /** What the server refused last, for people. */
  get lastRefusal(): string | undefined {
    const refusals = this.members.flatMap(({ device }) => [...device.nacks.slice(-1), ...device.goodbyes.slice(-1)]);
    const last = refusals.at(-1);
    return last && `${last.kind} ${last.code}: ${last.detail}`;
  }

  start(): void {
    const periodMs = 1_000 / this.options.rate;
    this.members.forEach((member, index) => {
      this.later(connectSpreadMs * index, () => {
        void member.device.open(60_000).catch(() => undefined);
        this.timers.push(setInterval(() => this.measure(member), periodMs));
      });
    });
  }

  stopMeasuring(): void {
    for (const timer of this.timers) clearInterval(timer);
  }

  async close(): Promise<void> {
    this.stopMeasuring();
    await Promise.all(this.members.map(({ device }) => device.close()));
  }

  private member(index: number, files: ReadonlyMap<SensorName, SensorFile>): Member {
    const kind = sensorNames[index % sensorNames.length] ?? 'bike';
    const file = files.get(kind) ?? readSensorFile(kind);
    const { codecs, port, host, tokenKeys } = this.options;
    const codec = codecs[index % codecs.length] ?? 'protobuf';
    const identity = { tenant: tenants[index % tenants.length] ?? 'north', deviceId: `${kind}-${index + 1}` };
    const token = deviceToken(tokenKeys, identity);
    const device = new SimulatedDevice({ ...identity, token, codec, port, host, schemaId: file.schemaId });
    return { device, file, row: Math.floor(Math.random() * file.rows.length) };
  }

  private measure(member: Member): void {
    const { device, file } = member;
    if (device.pending >= maxKept) return;
    const from = member.row + this.options.rows <= file.rows.length ? member.row : 0;
    const to = from + this.options.rows;
    member.row = to;
    const lastS = file.rows[to - 1]?.atS ?? 0;
    const batch = batchOf(file, { from, to, startMs: Date.now() - lastS * 1_000 });
    if (batch !== undefined) device.send(batch);
  }

  private later(delayMs: number, work: () => void): void {
    this.timers.push(setTimeout(work, delayMs));
  }

  private sum(of: (device: SimulatedDevice) => number): number {
    return this.members.reduce((total, { device }) => total + of(device), 0);
  }
}
