import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { ByteReader } from './byte-reader';
import { ByteWriter } from './byte-writer';

interface SeenRequest {
  correlationId: number;
  /** Which of its connections, in the order they were opened. */
  connection: number;
  apiKey: number;
  apiVersion: number;
  clientId: string | null;
  body: Buffer;
}

/** The answer's body, the bytes of a whole answer that no broker sends, or undefined to stay silent. */
export type Answer = (request: SeenRequest) => Buffer | { frame: Buffer } | undefined;

export interface FakeBroker {
  port: number;
  seen: SeenRequest[];
  /** Cuts all connections, or one. */
  cut(connection?: number): void;
  /** Bytes over one of its connections that nobody asked for. */
  write(connection: number, bytes: Buffer): void;
  close(): void;
}

const apiVersionsKey = 18;

/** Speaks just enough of Kafka's protocol on a loopback port to see what a client sends. */
export async function fakeBroker(answer: Answer): Promise<FakeBroker> {
  const seen: SeenRequest[] = [];
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    const connection = sockets.push(socket) - 1;
    let bytes = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) {
        const end = 4 + bytes.readInt32BE(0);
        serve(bytes.subarray(4, end), connection, socket);
        bytes = bytes.subarray(end);
      }
    });
  });
  const serve = (frame: Buffer, connection: number, socket: Socket): void => {
    const reader = new ByteReader(frame);
    const [apiKey, apiVersion, correlationId] = [reader.int16(), reader.int16(), reader.int32()];
    const request = {
      correlationId,
      connection,
      apiKey,
      apiVersion,
      clientId: reader.nullableString(),
      body: reader.take(reader.left),
    };
    if (apiKey !== apiVersionsKey) seen.push(request);
    const body = apiKey === apiVersionsKey ? apiVersions() : answer(request);
    if (body) socket.write(Buffer.isBuffer(body) ? frameOf(correlationId, body) : body.frame);
  };
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const cut = (only?: number): void =>
    sockets.forEach((socket, connection) => {
      if (only === undefined || connection === only) socket.destroy();
    });
  const write = (connection: number, bytes: Buffer): void => void sockets[connection]?.write(bytes);
  const close = (): void => {
    cut();
    server.close();
  };
  return { port: (server.address() as AddressInfo).port, seen, cut, write, close };
}

/** An answer as a broker sends it. */
export function frameOf(correlationId: number, body: Buffer): Buffer {
  return new ByteWriter()
    .int32(body.length + 4)
    .int32(correlationId)
    .raw(body)
    .finish();
}

/** Every request that we send in the version that we send it. */
function apiVersions(): Buffer {
  const supported: [number, number][] = [
    [0, 8],
    [1, 13],
    [2, 4],
    [3, 12],
    [17, 1],
    [apiVersionsKey, 2],
    [22, 1],
    [36, 1],
  ];
  const writer = new ByteWriter().int16(0);
  return writer
    .array(supported, ([key, version]) => writer.int16(key).int16(0).int16(version))
    .int32(0)
    .finish();
}

/** Metadata of a cluster of these ports, node ids counted from 1, with one topic `t` whose partitions these nodes lead. */
export function metadataOf(ports: number[], topicError = 0, leaders = [1]): Buffer {
  const writer = new ByteWriter().uvarint(0).int32(0);
  writer.compactArray([...ports.entries()], ([index, port]) => {
    writer
      .int32(index + 1)
      .compactString('127.0.0.1')
      .int32(port)
      .uvarint(0)
      .uvarint(0);
  });
  writer.uvarint(0).int32(1);
  writer.compactArray(['t'], (name) => {
    writer.int16(topicError).compactString(name).raw(Buffer.alloc(16)).int8(0);
    writer.compactArray([...leaders.entries()], ([partition, leader]) => {
      writer.int16(0).int32(partition).int32(leader).int32(0).uvarint(1).uvarint(1).uvarint(1).uvarint(0);
    });
    writer.int32(0).uvarint(0);
  });
  return writer.uvarint(0).finish();
}
