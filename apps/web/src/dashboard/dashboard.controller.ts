import { Controller, Get, Param } from '@nestjs/common';
import { ApiOkResponse } from '@nestjs/swagger';
import { Caller, Require, type Principal } from '@tidegate/auth';
import { customerIdSchema, dashboardSchema, type Dashboard } from './dashboard.dto';
import { DashboardService } from './dashboard.service';

@Controller('dashboard')
@Require({ resource: 'customers' })
export class DashboardController {
  constructor(private readonly dashboards: DashboardService) {}

  @Get(':customerId')
  @ApiOkResponse({ standardSchema: dashboardSchema })
  get(
    @Caller() caller: Principal,
    @Param('customerId', { schema: customerIdSchema }) customerId: string,
  ): Promise<Dashboard> {
    return this.dashboards.get(caller, customerId);
  }
}
