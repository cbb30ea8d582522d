import { freePorts, type LocalServer } from '@tidegate/infra';
import { deviceToken, SimulatedDevice, type SimulatedDeviceOptions } from '@tidegate/simulator';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { startApp, type StartedWhen } from './app-process';

export interface DeviceDoorOptions {
  brokers: readonly string[];
  redisUrl?: string;
  replica?: string;
  until?: StartedWhen;
  tokenKeys?: string;
  env?: Record<string, string>;
}

type DeviceOptions = Partial<SimulatedDeviceOptions> & Pick<SimulatedDeviceOptions, 'deviceId'>;

/** One replica of the iot app, from its bundle, and the devices that a test connects to it. */
export class DeviceDoor {
  private readonly devices: SimulatedDevice[] = [];

  private constructor(
    readonly process: LocalServer,
    readonly port: number,
    readonly opsUrl: string,
    readonly tokenKeys: string,
  ) {}

  static async start({
    brokers,
    redisUrl,
    replica = 'iot',
    until = 'ready',
    ...rest
  }: DeviceDoorOptions): Promise<DeviceDoor> {
    const [port, opsPort] = (await freePorts(2)) as [number, number];
    const tokenKeys = rest.tokenKeys ?? randomBytes(32).toString('base64url');
    const app = await startApp({
      app: 'iot',
      replica,
      opsPort,
      until,
      env: {
        IOT_TCP_PORT: String(port),
        IOT_OPS_PORT: String(opsPort),
        CATALOG_DIR: path.resolve(__dirname, '../../catalog'),
        IOT_CATALOG_DIR: path.resolve(__dirname, '../../apps/iot/catalog'),
        KAFKA_BROKERS: brokers.join(','),
        DEVICE_TOKEN_KEYS: tokenKeys,
        LOG_LEVEL: 'info',
        ...(redisUrl !== undefined && { REDIS_URL: redisUrl }),
        ...rest.env,
      },
    });
    return new DeviceDoor(app, port, `http://127.0.0.1:${opsPort}`, tokenKeys);
  }

  /** A device of tenant north that speaks Protobuf, unless told otherwise; `open()` connects it. */
  device(options: DeviceOptions): SimulatedDevice {
    const { tenant = 'north', deviceId } = options;
    const token = deviceToken(this.tokenKeys, { tenant, deviceId });
    const device = new SimulatedDevice({ port: this.port, codec: 'protobuf', tenant, token, ...options });
    this.devices.push(device);
    return device;
  }

  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.opsUrl}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line.startsWith(name) && /^[{ ]/.test(line.slice(name.length)));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  async stop(): Promise<void> {
    await Promise.all(this.devices.map((device) => device.close()));
    await this.process.kill();
  }
}
