import { AppError } from '@tidegate/errors';
import type { IncomingMessage } from 'node:http';

const maxBodyBytes = 4_096;

/** @throws AppError `too_large` */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) throw new AppError('too_large', `The body may have ${maxBodyBytes} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
