/**
 * Everything that reaches into kafkajs' internals. The package is pinned, has no `exports` map and had no release since 2023, so that its
 * paths do not move; each internal used here has a contract spec beside this file.
 */
/* eslint-disable @typescript-eslint/no-require-imports -- untyped paths inside the package, typed below */
import type { Socket } from 'node:net';
import { ByteWriter } from './byte-writer';
import { MalformedBytes } from './errors';
import { kafkaJsSasl, type SaslOptions, type TlsOptions } from './security';
import { within } from './timing';
import { mebibyte } from './units';

const testedVersion = '2.2.4';

const { version } = require('kafkajs/package.json') as { version: string };
if (version !== testedVersion) {
  throw new Error(
    `kafkajs ${testedVersion} is needed, because its internals are used; version ${version} is installed.`,
  );
}

/** A request in wire format, with what its answer means. */
export interface KafkaRequest<T> {
  apiKey: number;
  apiVersion: number;
  apiName: string;
  /** What follows the request header that kafkajs writes. */
  body: Buffer;
  decode(bytes: Buffer): T;
  /** How long the broker may hold the request on purpose; comes on top of the usual time-out. */
  timeoutMs?: number;
}

interface QueuedRequest {
  entry: {
    apiKey: number;
    apiVersion: number;
    apiName: string;
    correlationId: number;
    resolve(answer: { payload: Buffer }): void;
    reject(error: Error): void;
  };
  expectResponse: boolean;
  requestTimeout: number;
  sendRequest(): void;
}

interface Connection {
  readonly clientId: string;
  readonly socket: Socket;
  readonly requestQueue: {
    push(request: QueuedRequest): void;
    maybeThrottle(throttleMs: number): void;
    rejectAll(error: Error): void;
    destroy(): void;
  };
  isConnected(): boolean;
  nextCorrelationId(): number;
  /** Does nothing while the session lives; again 10 s before it ends. */
  authenticate(): Promise<void>;
}

interface FrameReader {
  readonly socket: Socket;
  readonly bytesNeeded: number;
}

interface ConnectionPool {
  readonly pool: Connection[];
  readonly sasl: object | undefined;
  getConnection(index: number): Promise<Connection>;
  getConnectionByRequest(request: { request: { apiKey: number } }): Promise<Connection>;
}

interface KafkaJsBroker {
  readonly connectionPool: ConnectionPool;
  connect(): Promise<void>;
  disconnect(): Promise<void>;
}

interface InternalLogger {
  namespace(name: string): InternalLogger;
}

interface LogEntry {
  namespace: string;
  level: number;
  log: { message: string };
}

type LogSink = (entry: LogEntry) => void;

interface PoolOptions {
  logger: InternalLogger;
  socketFactory: unknown;
  brokers: string[];
  ssl: boolean | object;
  sasl: object | undefined;
  clientId: string;
  connectionTimeout: number;
  requestTimeout: number;
  enforceRequestTimeout: boolean;
  maxInFlightRequests: null;
}

interface PendingQueue {
  throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  pending: unknown[];
  checkPendingRequests(): void;
}

const Broker = require('kafkajs/src/broker') as new (options: {
  connectionPool: ConnectionPool;
  logger: InternalLogger;
  allowAutoTopicCreation: boolean;
  authenticationTimeout: number;
}) => KafkaJsBroker;
const connectionPoolBuilder = require('kafkajs/src/cluster/connectionPoolBuilder') as (options: PoolOptions) => {
  build(destination: { host: string; port: number }): Promise<ConnectionPool>;
};
const { createLogger, LEVELS } = require('kafkajs/src/loggers') as {
  createLogger: (options: { level: number; logCreator: (level: number) => LogSink }) => InternalLogger;
  LEVELS: { NOTHING: number; ERROR: number; WARN: number; INFO: number; DEBUG: number };
};
const socketFactory = require('kafkajs/src/network/socketFactory') as () => unknown;
const RequestQueue = require('kafkajs/src/network/requestQueue') as { prototype: object };

const Connection = require('kafkajs/src/network/connection') as {
  prototype: { processData: (this: FrameReader, chunk: Buffer) => void };
};

const pendingCheckMs = 10;
/** Far above what we ask for, one batch of a generous broker included. */
const maxFrameBytes = 256 * mebibyte;

const { processData } = Connection.prototype;

// An answer of impossible size throws in the socket's event, which ends the process, or is gathered until memory is full.
Object.assign(Connection.prototype, {
  processData(this: FrameReader, chunk: Buffer): void {
    try {
      processData.call(this, chunk);
    } catch (error) {
      this.socket.destroy(new MalformedBytes('an answer without its size and number', error));
      return;
    }
    if (this.bytesNeeded > maxFrameBytes)
      this.socket.destroy(new MalformedBytes(`an answer of ${this.bytesNeeded} bytes`));
  },
});

// kafkajs asks for a timer with a negative delay on every answer, which spins: 4 % of a core per idle connection, and a warning on Node 24.
Object.assign(RequestQueue.prototype, {
  scheduleCheckPendingRequests(this: PendingQueue): void {
    if (this.throttleCheckTimeoutId) return;
    const throttledMs = this.throttledUntil - Date.now();
    if (throttledMs <= 0 && this.pending.length === 0) return;
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null;
        this.checkPendingRequests();
      },
      throttledMs > 0 ? throttledMs : pendingCheckMs,
    );
  },
});

export interface BrokerLinkOptions {
  host: string;
  port: number;
  clientId: string;
  ssl: boolean | TlsOptions;
  sasl: SaslOptions | undefined;
  connectionTimeoutMs: number;
  requestTimeoutMs: number;
  log: LogSink;
}

export const connectionsOfLink = 2;

/** Connections to one broker: one for fetches, so that a long poll delays nothing else, and one for all the rest. */
export class BrokerLink {
  private constructor(private readonly broker: KafkaJsBroker) {}

  static async connect(options: BrokerLinkOptions): Promise<BrokerLink> {
    const broker = await makeBroker(options);
    try {
      await broker.connect();
      // Opened now: two first fetches at once would each open a socket, and kafkajs would mix their answers.
      const forFetches = await broker.connectionPool.getConnection(1);
      await forFetches.authenticate();
      return new BrokerLink(broker);
    } catch (error) {
      void broker.disconnect().catch(() => undefined);
      throw error;
    }
  }

  /** False once either connection is lost; such a link is thrown away. */
  get usable(): boolean {
    return this.broker.connectionPool.pool.every((connection) => connection.isConnected());
  }

  async send<T>(request: KafkaRequest<T>, requestTimeoutMs: number): Promise<T> {
    const { connectionPool } = this.broker;
    const connection = await connectionPool.getConnectionByRequest({ request });
    // kafkajs authenticates in the calls of its Broker, which are not used here; a session that ends soon is renewed.
    if (connectionPool.sasl) await connection.authenticate();
    const answer = request.decode(await exchange(connection, request, requestTimeoutMs));
    connection.requestQueue.maybeThrottle(throttleOf(answer));
    return answer;
  }

  /** Waits for the answers that are on their way, and no longer than this. */
  async close(graceMs: number): Promise<void> {
    await within(this.broker.disconnect(), graceMs, () => new Error('still open')).catch(() => this.cut());
  }

  /** Waits for nothing: what is on its way fails. */
  cut(): void {
    for (const { socket, requestQueue } of this.broker.connectionPool.pool) {
      socket.destroy();
      requestQueue.rejectAll(new Error('the connection was given up'));
      requestQueue.destroy();
    }
  }
}

async function makeBroker(options: BrokerLinkOptions): Promise<KafkaJsBroker> {
  const { host, port } = options;
  const logger = createLogger({ level: LEVELS.ERROR, logCreator: () => options.log });
  const builder = connectionPoolBuilder({
    logger,
    socketFactory: socketFactory(),
    brokers: [`${host}:${port}`],
    ssl: options.ssl,
    sasl: kafkaJsSasl(options.sasl),
    clientId: options.clientId,
    connectionTimeout: options.connectionTimeoutMs,
    requestTimeout: options.requestTimeoutMs,
    enforceRequestTimeout: true,
    maxInFlightRequests: null,
  });
  const connectionPool = await builder.build({ host, port });
  return new Broker({
    connectionPool,
    logger,
    allowAutoTopicCreation: false,
    authenticationTimeout: options.requestTimeoutMs,
  });
}

/** What kafkajs' own `send` does, apart from copying the body three times. */
function exchange(connection: Connection, request: KafkaRequest<unknown>, requestTimeout: number): Promise<Buffer> {
  const { apiKey, apiVersion, apiName, body } = request;
  const correlationId = connection.nextCorrelationId();
  const head = requestHead(request, correlationId, connection.clientId);
  return new Promise((resolve, reject) => {
    if (!connection.isConnected()) throw new Error('the connection is lost');
    connection.requestQueue.push({
      entry: { apiKey, apiVersion, apiName, correlationId, resolve: ({ payload }) => resolve(payload), reject },
      expectResponse: true,
      requestTimeout,
      sendRequest: () => {
        connection.socket.cork();
        connection.socket.write(head);
        connection.socket.write(body);
        connection.socket.uncork();
      },
    });
  });
}

/** Size of what follows it, and request header version 1. */
function requestHead(
  { apiKey, apiVersion, body }: KafkaRequest<unknown>,
  correlationId: number,
  clientId: string,
): Buffer {
  const head = new ByteWriter(64)
    .int32(0)
    .int16(apiKey)
    .int16(apiVersion)
    .int32(correlationId)
    .string(clientId)
    .finish();
  head.writeInt32BE(head.length - 4 + body.length, 0);
  return head;
}

function throttleOf(answer: unknown): number {
  const throttle = typeof answer === 'object' && answer !== null && 'throttleMs' in answer ? answer.throttleMs : 0;
  return typeof throttle === 'number' ? throttle : 0;
}
