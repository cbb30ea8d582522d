import { Controller, Get, Param, Query } from '@nestjs/common';
import { Caller, Require, type Principal } from '@tidegate/auth';
import { type JsonObject } from '@tidegate/contracts';
import { listOrdersSchema, type ListOrders, type OrderPage } from './orders.dto';
import { OrdersService } from './orders.service';

@Controller('orders')
@Require({ roles: ['customer'] })
export class OrdersController {
  constructor(private readonly orders: OrdersService) {}

  @Get()
  list(@Caller() caller: Principal, @Query({ schema: listOrdersSchema }) query: ListOrders): Promise<OrderPage> {
    return this.orders.list(caller, query);
  }

  @Get(':orderId')
  get(@Caller() caller: Principal, @Param('orderId') orderId: string): Promise<JsonObject> {
    return this.orders.get(caller, orderId);
  }
}
