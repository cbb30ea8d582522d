import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { WebSocketServer } from 'ws';
import { kafkajsClient } from './kafka-clients';

/** How a gateway without a design would do it; nobody is authenticated, and everybody sees everything. */
interface GatewayJob {
  port: number;
  brokers: string[];
  topic: string;
  /** One consumer for all WebSockets, a frame per record or per tick; or for each SSE connection a consumer of its own. */
  kind: 'frame-per-record' | 'frame-per-tick' | 'consumer-per-connection';
}

const tickMs = 15;
const job = JSON.parse(process.argv[2] ?? '{}') as GatewayJob;
const kafka = kafkajsClient(job.brokers);

async function consume(onValue: (value: string) => void): Promise<() => Promise<void>> {
  const consumer = kafka.consumer({ groupId: randomUUID(), maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic: job.topic });
  const joined = new Promise((resolve) => consumer.on('consumer.group_join', resolve));
  await consumer.run({ eachMessage: ({ message }) => Promise.resolve(onValue(String(message.value))) });
  await joined;
  return () => consumer.disconnect();
}

async function serveWebSockets(): Promise<void> {
  const server = createServer((_, response) => response.end());
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  let gathered: string[] = [];
  const sendAll = (frame: string) => {
    const bytes = Buffer.from(frame);
    for (const client of sockets.clients) client.send(bytes, { binary: false });
  };
  const flush = () => {
    if (gathered.length > 0) sendAll(`[${gathered.join(',')}]`);
    gathered = [];
  };
  if (job.kind === 'frame-per-tick') setInterval(flush, tickMs);
  await consume(job.kind === 'frame-per-tick' ? (value) => gathered.push(value) : sendAll);
  server.listen(job.port, '127.0.0.1');
}

function serveEvents(): void {
  const follow = async (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const stop = await consume((value) => response.write(`event: message\ndata: ${value}\n\n`));
    response.once('close', () => void stop());
    response.write('event: caught-up\ndata: {}\n\n');
  };
  createServer((request, response) => void follow(request, response)).listen(job.port, '127.0.0.1');
}

if (job.kind === 'consumer-per-connection') serveEvents();
else void serveWebSockets();
