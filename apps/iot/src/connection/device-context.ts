import { BaseRpcContext } from '@nestjs/microservices';
import type { Device } from './device';
import type { DeviceConnection } from './device-connection';

/** What handlers get besides the frame. */
export class DeviceContext extends BaseRpcContext<[DeviceConnection]> {
  get connection(): DeviceConnection {
    return this.getArgs()[0];
  }

  /** The device; there is one in every handler but that of Hello. */
  get device(): Device {
    const { device } = this.connection;
    if (device === undefined) throw new Error('no Hello yet');
    return device;
  }
}
