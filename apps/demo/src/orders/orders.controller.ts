import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { Require } from '@tidegate/auth';
import type { Order, PlaceOrder } from '@tidegate/contracts';
import {
  changeStatusSchema,
  listOrdersSchema,
  placeOrderSchema,
  type ChangeStatus,
  type ListOrders,
  type OrderPage,
} from './orders.dto';
import { OrdersService } from './orders.service';

@Controller('orders')
@Require({ roles: ['service'] })
export class OrdersController {
  constructor(private readonly orders: OrdersService) {}

  @Get()
  list(@Query({ schema: listOrdersSchema }) query: ListOrders): Promise<OrderPage> {
    return this.orders.list(query);
  }

  @Get(':orderId')
  get(@Param('orderId') orderId: string): Promise<Order> {
    return this.orders.get(orderId);
  }

  @Post()
  place(@Body({ schema: placeOrderSchema }) order: PlaceOrder): Promise<Order> {
    return this.orders.place(order);
  }

  @Post(':orderId/status')
  @HttpCode(200)
  changeStatus(
    @Param('orderId') orderId: string,
    @Body({ schema: changeStatusSchema }) { status }: ChangeStatus,
  ): Promise<Order> {
    return this.orders.advance(orderId, status);
  }
}
