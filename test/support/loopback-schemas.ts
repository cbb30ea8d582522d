import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A schema registry in the test's own process, which can go away and come back on its port. */
export class LoopbackSchemas {
  private readonly schemas = new Map<number, string>();
  private server: Server = this.make();
  private port = 0;

  static async start(): Promise<LoopbackSchemas> {
    const registry = new LoopbackSchemas();
    await registry.listen();
    return registry;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  add(id: number, schema: object): void {
    this.schemas.set(id, JSON.stringify(schema));
  }

  /** Nobody listens meanwhile. */
  async away(work: () => Promise<void>): Promise<void> {
    await this.stop();
    await work();
    this.server = this.make();
    await this.listen();
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await once(this.server.close(), 'close');
  }

  private async listen(): Promise<void> {
    await once(this.server.listen(this.port, '127.0.0.1'), 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  private make(): Server {
    return createServer((request, response) => {
      const schema = this.schemas.get(Number(/^\/schemas\/ids\/(\d+)/.exec(request.url ?? '')?.[1]));
      response.statusCode = schema === undefined ? 404 : 200;
      response.end(JSON.stringify(schema === undefined ? { error_code: 40403 } : { schema }));
    });
  }
}
