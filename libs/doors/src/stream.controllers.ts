import { Controller, Get, Param, Query, Req, Res, type Type } from '@nestjs/common';
import { Caller, Require, type Principal } from '@tidegate/auth';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RecordsDoor } from './records-door';
import { notAcceptable, SseDoor } from './sse-door';
import { recordsQuerySchema, startQuerySchema, type RecordsQuery, type StartQuery } from './start-query';

/** SSE and records of one stream at a path of its own. */
export function createStreamController(path: string, stream: string): Type {
  @Controller(path)
  @Require({ resource: stream })
  class StreamController {
    constructor(
      private readonly events: SseDoor,
      private readonly records: RecordsDoor,
    ) {}

    @Get()
    follow(
      @Caller() caller: Principal,
      @Query({ schema: startQuerySchema }) query: StartQuery,
      @Req() request: FastifyRequest,
      @Res() reply: FastifyReply,
    ): Promise<void> {
      return this.events.follow(caller, stream, query, { request, reply });
    }

    @Get('records')
    read(
      @Caller() caller: Principal,
      @Query({ schema: recordsQuerySchema }) query: RecordsQuery,
      @Res() reply: FastifyReply,
    ): Promise<void> {
      return this.records.read(caller, stream, query, reply);
    }
  }
  return StreamController;
}

/** SSE and records of every stream that the caller may see. */
@Controller('streams')
@Require()
export class StreamsController {
  constructor(
    private readonly events: SseDoor,
    private readonly records: RecordsDoor,
  ) {}

  @Get()
  choose(): never {
    throw notAcceptable();
  }

  @Get(':name')
  follow(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Query({ schema: startQuerySchema }) query: StartQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.events.follow(caller, name, query, { request, reply });
  }

  @Get(':name/records')
  read(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Query({ schema: recordsQuerySchema }) query: RecordsQuery,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.records.read(caller, name, query, reply);
  }
}
