import { Controller, Get, Param } from '@nestjs/common';
import { Require } from '@tidegate/auth';
import type { Account } from '@tidegate/contracts';
import { AccountsService } from './accounts.service';

@Controller('accounts')
@Require({ roles: ['service'] })
export class AccountsController {
  constructor(private readonly accounts: AccountsService) {}

  @Get('by-customer/:customerId')
  byCustomer(@Param('customerId') customerId: string): Promise<Account> {
    return this.accounts.byCustomer(customerId);
  }

  @Get(':accountId')
  get(@Param('accountId') accountId: string): Promise<Account> {
    return this.accounts.get(accountId);
  }
}
