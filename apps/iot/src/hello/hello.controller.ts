import { Controller } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { Public } from '@tidegate/auth';
import type { Hello, Welcome } from '@tidegate/wire';
import type { DeviceContext } from '../connection/device-context';
import { HelloService } from './hello.service';

@Controller()
export class HelloController {
  constructor(private readonly hellos: HelloService) {}

  /** Public: the frame carries the credential. */
  @MessagePattern('hello')
  @Public()
  hello(@Payload() frame: Hello, @Ctx() context: DeviceContext): Promise<Welcome> {
    return this.hellos.welcome(frame, context.connection);
  }
}
