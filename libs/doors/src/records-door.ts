import type { Principal } from '@tidegate/auth';
import { stringifyJson } from '@tidegate/contracts';
import type { StreamHub } from '@tidegate/streams';
import type { FastifyReply } from 'fastify';
import { startOf, type Acknowledgement, type RecordsQuery } from './start-query';

/** Streams page by page, each page with a cursor for the next, and acknowledgements of what was read. */
export class RecordsDoor {
  constructor(private readonly hub: Pick<StreamHub, 'read' | 'ack'>) {}

  /** Moves a durable subscription's position. @throws AppError as `StreamHub.ack` does */
  async acknowledge(principal: Principal, stream: string, { sub, cursor }: Acknowledgement): Promise<void> {
    await this.hub.ack(principal, stream, sub, cursor);
  }

  /** @throws AppError as `StreamHub.read` does */
  async read(principal: Principal, stream: string, query: RecordsQuery, reply: FastifyReply): Promise<void> {
    const { limit, waitMs, ...start } = query;
    const left = new AbortController();
    reply.raw.once('close', () => left.abort());
    const options = { ...startOf(start), limit, waitMs, signal: left.signal };
    const { records, gone, cursor, gap } = await this.hub.read(principal, stream, options);
    const page = { records, gone, cursor, gap };
    void reply.header('cache-control', 'no-store').type('application/json; charset=utf-8').send(stringifyJson(page));
  }
}
