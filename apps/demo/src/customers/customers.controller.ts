import { Controller, Get, Param } from '@nestjs/common';
import { Require } from '@tidegate/auth';
import type { Customer } from '@tidegate/contracts';
import { CustomersService } from './customers.service';

@Controller('customers')
@Require({ roles: ['service'] })
export class CustomersController {
  constructor(private readonly customers: CustomersService) {}

  @Get(':customerId')
  get(@Param('customerId') customerId: string): Promise<Customer> {
    return this.customers.get(customerId);
  }
}
