import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res, type Type } from '@nestjs/common';
import { Caller, Require, type Principal } from '@tidegate/auth';
import { Limits } from '@tidegate/ratelimit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { StreamPath } from './options';
import { RecordsDoor } from './records-door';
import { notAcceptable, SseDoor } from './sse-door';
import {
  acknowledgementSchema,
  recordsQuerySchema,
  startQuerySchema,
  type Acknowledgement,
  type RecordsQuery,
  type StartQuery,
} from './start-query';

/** SSE, records and acknowledgements of every stream, and of some at paths of their own. */
export function createStreamControllers(paths: readonly StreamPath[], limits: readonly string[] | undefined): Type[] {
  const bound = paths.map(({ path, stream }) => createStreamController(path, stream));
  const controllers = [...bound, createStreamsController()];
  if (limits !== undefined) for (const { prototype } of controllers) countOpening(prototype as object, limits);
  return controllers;
}

/** A stream counts when it is opened, against the same limits as over WebSocket. */
function countOpening(prototype: object, names: readonly string[]): void {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, 'follow');
  if (descriptor !== undefined) Limits(...names)(prototype, 'follow', descriptor);
}

function createStreamController(path: string, stream: string): Type {
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

    @Post('acks')
    @HttpCode(204)
    acknowledge(
      @Caller() caller: Principal,
      @Body({ schema: acknowledgementSchema }) acknowledgement: Acknowledgement,
    ): Promise<void> {
      return this.records.acknowledge(caller, stream, acknowledgement);
    }
  }
  return StreamController;
}

function createStreamsController(): Type {
  @Controller('streams')
  @Require()
  class StreamsController {
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

    @Post(':name/acks')
    @HttpCode(204)
    acknowledge(
      @Caller() caller: Principal,
      @Param('name') name: string,
      @Body({ schema: acknowledgementSchema }) acknowledgement: Acknowledgement,
    ): Promise<void> {
      return this.records.acknowledge(caller, name, acknowledgement);
    }
  }
  return StreamsController;
}
