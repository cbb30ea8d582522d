import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** One address before several replicas: connections go to the one that it points at, and break when a test says so. */
export class Balancer {
  target: string;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    target: string,
  ) {
    this.target = target;
  }

  static async open(target: string): Promise<Balancer> {
    const server = createServer();
    const balancer = new Balancer(server, target);
    server.on('connection', (client) => balancer.pass(client));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return balancer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Cuts every connection after so many more bytes of the server's, each after another number. */
  cutSoon(bytes: () => number): void {
    for (const socket of this.sockets) this.limits.set(socket, bytes());
  }

  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private readonly limits = new Map<Socket, number>();

  private pass(client: Socket): void {
    const server = connect(Number(new URL(this.target).port), '127.0.0.1');
    this.sockets.add(client);
    client.on('error', () => undefined);
    server.on('error', () => undefined);
    client.on('close', () => {
      this.sockets.delete(client);
      this.limits.delete(client);
      server.destroy();
    });
    server.on('close', () => client.destroy());
    client.pipe(server);
    server.on('data', (bytes) => {
      const left = this.limits.get(client) ?? Infinity;
      this.limits.set(client, left - bytes.length);
      if (left > bytes.length) return void client.write(bytes);
      client.write(bytes.subarray(0, left), () => client.destroy());
      server.destroy();
    });
  }
}
