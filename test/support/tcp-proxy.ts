import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface ProxiedRequest {
  /** Kafka's number for what is asked; 0 is Produce. */
  apiKey: number;
  /** The whole request; what is changed in it is what the broker gets. */
  frame: Buffer;
}

/** What becomes of a request. */
export type Fate =
  | { kind: 'pass' }
  /** The broker gets only its first bytes, then both connections end. */
  | { kind: 'cut'; afterBytes: number }
  /** The broker gets it and answers; the client gets only that many bytes of the answer, then both connections end. */
  | { kind: 'lose-answer'; afterBytes: number }
  /** Delivered when the promise settles, even if the client is gone by then; later requests wait behind it. */
  | { kind: 'hold'; until: Promise<unknown> }
  /** From here on neither side hears anything, and both connections stay open. */
  | { kind: 'black-hole' };

export type DecideFate = (request: ProxiedRequest) => Fate;

const sizeBytes = 4;

/** Stands between Kafka clients and one broker, and decides the fate of every request. */
export class TcpProxy {
  private readonly connections = new Set<ProxiedConnection>();

  private constructor(
    private readonly server: Server,
    private readonly target: { port: number },
    private readonly decide: DecideFate,
  ) {
    server.on('connection', (client) => {
      const connection = new ProxiedConnection(client, connect(this.target.port, '127.0.0.1'), this.decide);
      this.connections.add(connection);
      void connection.ended.then(() => this.connections.delete(connection));
    });
  }

  static async start(target: { port: number }, decide: DecideFate): Promise<TcpProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TcpProxy(server, target, decide);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const connection of this.connections) connection.end();
    await closed;
  }
}

class ProxiedConnection {
  readonly ended: Promise<unknown>;
  private readonly unanswered = new Set<number>();
  private readonly answersToLose = new Map<number, number>();
  private clientGone = false;
  private silent = false;

  constructor(
    private readonly client: Socket,
    private readonly broker: Socket,
    private readonly decide: DecideFate,
  ) {
    for (const socket of [client, broker]) socket.setNoDelay(true).on('error', () => undefined);
    this.ended = Promise.all([this.carryRequests(), this.carryAnswers()]);
  }

  end(): void {
    this.client.destroy();
    this.broker.destroy();
  }

  private async carryRequests(): Promise<void> {
    for await (const frame of frames(this.client)) {
      const apiKey = frame.readInt16BE(sizeBytes);
      await this.carry(frame, this.decide({ apiKey, frame }));
    }
    this.clientGone = true;
    if (this.unanswered.size === 0 || this.silent) this.broker.destroy();
  }

  private async carry(frame: Buffer, fate: Fate): Promise<void> {
    if (fate.kind === 'black-hole') this.silent = true;
    if (this.silent) return;
    if (fate.kind === 'cut') {
      this.broker.end(frame.subarray(0, fate.afterBytes));
      this.client.destroy();
      return;
    }
    const correlationId = frame.readInt32BE(sizeBytes + 4);
    this.unanswered.add(correlationId);
    if (fate.kind === 'lose-answer') this.answersToLose.set(correlationId, fate.afterBytes);
    if (fate.kind === 'hold') await fate.until;
    this.broker.write(frame);
  }

  private async carryAnswers(): Promise<void> {
    for await (const frame of frames(this.broker)) {
      const correlationId = frame.readInt32BE(sizeBytes);
      this.unanswered.delete(correlationId);
      const keptBytes = this.answersToLose.get(correlationId);
      if (this.silent) continue;
      if (keptBytes !== undefined) {
        this.client.write(frame.subarray(0, keptBytes));
        break;
      }
      this.client.write(frame);
      if (this.clientGone && this.unanswered.size === 0) break;
    }
    this.client.destroySoon();
    this.broker.destroy();
  }
}

/** The length-prefixed frames of a Kafka connection, until it ends in whatever way. */
async function* frames(socket: Socket): AsyncGenerator<Buffer> {
  let buffered: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk]);
      while (buffered.length >= sizeBytes && buffered.length >= sizeBytes + buffered.readInt32BE(0)) {
        const end = sizeBytes + buffered.readInt32BE(0);
        yield buffered.subarray(0, end);
        buffered = buffered.subarray(end);
      }
    }
  } catch {
    // Cut: there are no more frames.
  }
}
