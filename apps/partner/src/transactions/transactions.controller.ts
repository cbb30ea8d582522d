import { Body, Controller, Get, Post, Query, Req, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiHeader, ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { Caller, Require, type Principal } from '@tidegate/auth';
import { idempotencyKeyOf } from '@tidegate/http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  acceptedTransactionSchema,
  listTransactionsSchema,
  postTransactionSchema,
  transactionPageSchema,
  type AcceptedTransaction,
  type ListTransactions,
  type PostTransaction,
  type TransactionPage,
} from './transactions.dto';
import { TransactionsService } from './transactions.service';

@Controller('v1/transactions')
export class TransactionsController {
  constructor(private readonly transactions: TransactionsService) {}

  @Get()
  @Require({ resource: 'transactions' })
  @ApiOperation({ operationId: 'listTransactions', summary: 'Booked movements that the caller may see' })
  @ApiOkResponse({ standardSchema: transactionPageSchema, description: 'What the caller may see, oldest first' })
  list(
    @Caller() caller: Principal,
    @Query({ schema: listTransactionsSchema }) query: ListTransactions,
  ): Promise<TransactionPage> {
    return this.transactions.list(caller, query);
  }

  @Post()
  @Require({ roles: ['partner'], resource: 'transactions', action: 'write' })
  @ApiOperation({ operationId: 'postTransaction', summary: 'Hands a movement to the bank' })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description: 'The same key and body within 24 h give the first answer again; the movement is booked once.',
    schema: { type: 'string', minLength: 1, maxLength: 255 },
  })
  @ApiCreatedResponse({
    standardSchema: acceptedTransactionSchema,
    description: 'Kafka has the request',
    headers: {
      'Idempotency-Replayed': { description: '`true` on the first answer given again', schema: { type: 'string' } },
    },
  })
  async post(
    @Caller() caller: Principal,
    @Body({ schema: postTransactionSchema }) body: PostTransaction,
    @Req() { raw }: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AcceptedTransaction> {
    const { answer, replayed } = await this.transactions.post(caller, body, idempotencyKeyOf(raw));
    if (replayed) void reply.header('idempotency-replayed', 'true');
    return answer;
  }
}
