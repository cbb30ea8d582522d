import { once } from 'node:events';
import { connect } from 'node:net';

export interface RawAnswer {
  /** Of the first answer; 0 when there was none. */
  status: number;
  /** Status line and headers, as they came. */
  head: string;
  /** All that came behind them. */
  body: string;
}

/** Sends bytes as no HTTP client would, and gives all that comes until the server ends the connection, or upgrades it. */
export async function rawHttp(port: number, text: string): Promise<RawAnswer> {
  const socket = connect({ host: '127.0.0.1', port });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    if (chunks[0]?.toString().startsWith('HTTP/1.1 101') === true) socket.destroy();
  });
  socket.on('error', () => undefined);
  socket.setTimeout(20_000, () => socket.destroy());
  // Binary, so that each character is the byte that it says.
  socket.write(Buffer.from(text, 'latin1'));
  await once(socket, 'close');
  const [head = '', ...rest] = Buffer.concat(chunks).toString('latin1').split('\r\n\r\n');
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0), head, body: rest.join('\r\n\r\n') };
}

/** A request whose target and headers go out to the letter. */
export function rawRequest(
  port: number,
  target: string,
  headers: readonly string[] = [],
  method = 'GET',
): Promise<RawAnswer> {
  return rawHttp(
    port,
    [`${method} ${target} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...headers, '', ''].join('\r\n'),
  );
}
