import { Controller } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { Require } from '@tidegate/auth';
import type { Ping, ServerFrame } from '@tidegate/wire';
import type { DeviceContext } from '../connection/device-context';

@Controller()
@Require({ roles: ['device'] })
export class KeepaliveController {
  @MessagePattern('ping')
  ping(@Payload() { nonce }: Ping): ServerFrame {
    return { kind: 'pong', nonce, serverTimeMs: Date.now() };
  }

  @MessagePattern('bye')
  bye(@Ctx() { connection }: DeviceContext): void {
    connection.leave('bye');
  }
}
