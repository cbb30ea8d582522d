import { Controller } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { Require } from '@tidegate/auth';
import type { Telemetry } from '@tidegate/wire';
import type { DeviceContext } from '../connection/device-context';
import { TelemetryLog } from './telemetry-log';
import { TelemetryRecords } from './telemetry-records';

@Controller()
@Require({ roles: ['device'] })
export class TelemetryController {
  constructor(
    private readonly records: TelemetryRecords,
    private readonly log: TelemetryLog,
  ) {}

  /** Resolves once Kafka has the frame; its acknowledgement follows. */
  @MessagePattern('telemetry')
  async telemetry(@Payload() frame: Telemetry, @Ctx() { device, connection }: DeviceContext): Promise<void> {
    const placement = await this.log.append(this.records.make(frame, device));
    connection.audit?.wrote(placement);
  }
}
