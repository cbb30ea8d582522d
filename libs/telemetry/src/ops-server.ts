import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { Checks, type HealthCheck } from './health';
import type { Logger } from './logger';
import { portProblem } from './port-problem';

export interface OpsServerOptions {
  host: string;
  /** 0 takes any free port. */
  port: number;
  registry: Registry;
  checks: readonly HealthCheck[];
  logger: Logger;
  /** The variable that sets the port, for the message when it is taken. */
  portVariable?: string;
  /** How long one check may take before it counts as failing. */
  checkTimeoutMs?: number;
}

interface Answer {
  status: number;
  body: string;
  contentType?: string;
}

/** Health and metrics on a port of their own: `/livez`, `/readyz`, `/metrics`. Answers that are not metrics are JSON. */
export class OpsServer {
  private readonly server: Server;
  private readonly checks: Checks;
  private draining = false;

  constructor(private readonly options: OpsServerOptions) {
    this.checks = new Checks(options.checks, options.checkTimeoutMs ?? 2_000, options.logger);
    this.server = createServer((request, response) => void this.serve(request, response));
  }

  /** Adds a check while running. */
  addCheck(check: HealthCheck): void {
    this.checks.add(check);
  }

  /** @returns the port it listens on. @throws AppError `invalid_config` when the port cannot be had. */
  async start(): Promise<number> {
    const { host, port, portVariable = 'the ops port' } = this.options;
    try {
      await new Promise<void>((resolve, reject) => {
        this.server.once('error', reject);
        this.server.listen({ host, port }, resolve);
      });
    } catch (error) {
      throw portProblem(error, { host, port, portVariable });
    }
    return (this.server.address() as AddressInfo).port;
  }

  /** From now on `/readyz` answers 503. */
  drain(): void {
    this.draining = true;
  }

  async close(): Promise<void> {
    if (!this.server.listening) return;
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await this.answer(request).catch((error: unknown) => {
      this.options.logger.error({ err: error }, 'ops request failed');
      return json(500, { status: 'failed' });
    });
    response
      .writeHead(answer.status, {
        'content-type': answer.contentType ?? 'application/json; charset=utf-8',
        'content-length': Buffer.byteLength(answer.body),
        'cache-control': 'no-store',
        ...(answer.status === 405 && { allow: 'GET, HEAD' }),
      })
      .end(request.method === 'HEAD' ? undefined : answer.body);
  }

  private async answer({ method = '', url = '' }: IncomingMessage): Promise<Answer> {
    const path = url.split('?', 1)[0];
    if (path !== '/livez' && path !== '/readyz' && path !== '/metrics') return json(404, { status: 'not found' });
    if (method !== 'GET' && method !== 'HEAD') return json(405, { status: 'method not allowed' });
    if (path === '/livez') return json(200, { status: 'live' });
    if (path === '/readyz') return this.readiness();
    const { registry } = this.options;
    return { status: 200, body: await registry.metrics(), contentType: registry.contentType };
  }

  private async readiness(): Promise<Answer> {
    if (this.draining) return json(503, { status: 'draining', checks: {} });
    const { ready, checks } = await this.checks.run();
    return ready ? json(200, { status: 'ready', checks }) : json(503, { status: 'not ready', checks });
  }
}

function json(status: number, body: unknown): Answer {
  return { status, body: JSON.stringify(body) };
}
