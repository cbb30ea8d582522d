/**
 * Everything that reaches into kafkajs' internals. The package is pinned, has no `exports` map and had no release since 2023, so that its
 * paths do not move; each internal used here has a contract spec beside this file.
 */
/* eslint-disable @typescript-eslint/no-require-imports -- untyped paths inside the package, typed below */

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

export interface ProduceMessage {
  key: Buffer | null;
  value: Buffer | null;
  headers: Record<string, Buffer>;
}

interface WireRequest {
  request: { apiKey: number; apiVersion: number; apiName: string; encode(): Promise<object> };
  response: { decode(bytes: Buffer): Promise<Decoded>; parse(decoded: Decoded): Promise<unknown> };
  requestTimeout: number | null;
  logResponseError: boolean;
}

interface Decoded {
  value: unknown;
  clientSideThrottleTime: number;
}

interface Connection {
  isConnected(): boolean;
}

interface ConnectionPool {
  readonly pool: Connection[];
  getConnection(index: number): Promise<Connection>;
  send(request: WireRequest): Promise<unknown>;
}

interface ProduceAnswer {
  topics: { partitions: { baseOffset: string }[] }[];
}

interface KafkaJsBroker {
  readonly connectionPool: ConnectionPool;
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  produce(request: {
    acks: number;
    timeout: number;
    topicData: {
      topic: string;
      partitions: { partition: number; firstSequence: number; messages: ProduceMessage[] }[];
    }[];
  }): Promise<ProduceAnswer>;
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
  ssl: boolean;
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
const Encoder = require('kafkajs/src/protocol/encoder') as new (size?: number) => { buf: Buffer; offset: number };

const pendingCheckMs = 10;

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

/** kafkajs appends what `encode` returns by its `buf` and `offset`. */
class EncodedBody extends Encoder {
  constructor(body: Buffer) {
    super(1);
    this.buf = body;
    this.offset = body.length;
  }
}

export interface BrokerLinkOptions {
  host: string;
  port: number;
  clientId: string;
  ssl: boolean;
  sasl: object | undefined;
  connectionTimeoutMs: number;
  requestTimeoutMs: number;
  log: LogSink;
}

/** Connections to one broker: one for fetches, so that a long poll delays nothing else, and one for all the rest. */
export class BrokerLink {
  private constructor(private readonly broker: KafkaJsBroker) {}

  static async connect(options: BrokerLinkOptions): Promise<BrokerLink> {
    const broker = await makeBroker(options);
    try {
      await broker.connect();
      // Opened now: two first fetches at once would each open a socket, and kafkajs would mix their answers.
      await broker.connectionPool.getConnection(1);
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
    const { apiKey, apiVersion, apiName, body } = request;
    const answer = await this.broker.connectionPool.send({
      request: { apiKey, apiVersion, apiName, encode: () => Promise.resolve(new EncodedBody(body)) },
      response: { decode: (bytes) => decodeAnswer(request, bytes), parse: ({ value }) => Promise.resolve(value) },
      requestTimeout: requestTimeoutMs,
      logResponseError: false,
    });
    return answer as T;
  }

  /** Writes one batch to one partition with acks=all; resolves to the offset of its first record. */
  async produce(topic: string, partition: number, messages: ProduceMessage[], ackTimeoutMs: number): Promise<bigint> {
    const answer = await this.broker.produce({
      acks: -1,
      timeout: ackTimeoutMs,
      topicData: [{ topic, partitions: [{ partition, firstSequence: 0, messages }] }],
    });
    const baseOffset = answer.topics[0]?.partitions[0]?.baseOffset;
    if (baseOffset === undefined) throw new Error('kafkajs returned no offset for an acknowledged batch');
    return BigInt(baseOffset);
  }

  async close(): Promise<void> {
    await this.broker.disconnect();
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
    // A fresh object: kafkajs writes the authenticated identity onto the one it is given.
    sasl: options.sasl && { ...options.sasl },
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

async function decodeAnswer<T>(request: KafkaRequest<T>, bytes: Buffer): Promise<Decoded> {
  const value: unknown = request.decode(bytes);
  const throttle = typeof value === 'object' && value !== null && 'throttleMs' in value ? value.throttleMs : 0;
  return Promise.resolve({ value, clientSideThrottleTime: typeof throttle === 'number' ? throttle : 0 });
}
