import { Controller, Inject, Post, Req, Res } from '@nestjs/common';
import { Caller, Require, type Principal } from '@tidegate/auth';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { checkOrigin } from './handshake';
import { SETTINGS, type DoorsSettings } from './options';
import { Tickets } from './tickets';

/** Tickets for browsers, whose WebSockets send no headers. */
@Controller('stream-tickets')
@Require()
export class TicketsController {
  constructor(
    private readonly tickets: Tickets,
    @Inject(SETTINGS) private readonly settings: DoorsSettings,
  ) {}

  /** @throws AppError `permission_denied` for pages of other origins, `unavailable` */
  @Post()
  async issue(@Caller() caller: Principal, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { origin } = request.headers;
    checkOrigin(origin, this.settings.allowedOrigins);
    const ticket = await this.tickets.issue(request.raw, origin, caller.confirmation);
    void reply.status(201).header('cache-control', 'no-store').send(ticket);
  }
}
