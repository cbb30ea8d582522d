import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A schema registry in the spec's own process, that fails as told. */
export class LoopbackRegistry {
  /** What it was asked for. */
  readonly asked: string[] = [];
  /** Answers with it instead, while it is set. */
  status: number | undefined;
  readonly schemas = new Map<number, object>();
  private readonly server: Server = createServer((request, response) => {
    this.asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`.trim());
    const schema = this.schemas.get(Number(/\/schemas\/ids\/(\d+)/.exec(request.url ?? '')?.[1]));
    const status = this.status ?? (schema === undefined ? 404 : 200);
    response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' });
    response.end(JSON.stringify(schema ?? (this.status === undefined ? { error_code: 40403 } : {})));
  });

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** Bytes as a serializer of a schema registry frames them. */
export function framed(id: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(id, 1);
  return Buffer.concat([header, payload]);
}
