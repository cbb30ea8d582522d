import { Controller, Get } from '@nestjs/common';
import { Caller, type Principal, Require } from '@tidegate/auth';
import { type Home, HomeService } from './home.service';

@Controller('home')
@Require({ roles: ['customer'] })
export class HomeController {
  constructor(private readonly home: HomeService) {}

  @Get()
  get(@Caller() caller: Principal): Promise<Home> {
    return this.home.get(caller);
  }
}
