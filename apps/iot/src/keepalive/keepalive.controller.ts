import { Controller } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { Require } from '@tidegate/auth';
import type { Bye, Ping, ServerFrame } from '@tidegate/wire';
import type { DeviceContext } from '../connection/device-context';

@Controller()
@Require({ roles: ['device'] })
export class KeepaliveController {
  @MessagePattern('ping')
  ping({ nonce }: Ping): ServerFrame {
    return { kind: 'pong', nonce, serverTimeMs: Date.now() };
  }

  @MessagePattern('bye')
  bye(_frame: Bye, { connection }: DeviceContext): void {
    connection.leave();
  }
}
