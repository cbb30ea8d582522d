import { subprotocol } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import type { IncomingMessage } from 'node:http';

const ticketPrefix = 'ticket.';

/** Pages of other origins may not use what the browser's user may. No `Origin` is no browser. @throws AppError `permission_denied` */
export function checkOrigin(origin: string | undefined, allowed: readonly string[]): void {
  if (origin === undefined || allowed.includes(origin)) return;
  throw new AppError('permission_denied', 'Pages of this origin may not connect.');
}

/**
 * Judges the head of an upgrade; gives the ticket that it carries, if any.
 * @throws AppError `malformed`, `permission_denied`, `invalid_argument`
 */
export function checkHandshake(
  { method, headers }: IncomingMessage,
  allowedOrigins: readonly string[],
): string | undefined {
  const key = headers['sec-websocket-key'];
  if (method !== 'GET' || headers['sec-websocket-version'] !== '13' || !/^[+/0-9A-Za-z]{22}==$/.test(key ?? '')) {
    throw new AppError('malformed', 'Send a WebSocket handshake of version 13.');
  }
  checkOrigin(headers.origin, allowedOrigins);
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim());
  const tickets = offered.filter((protocol) => protocol.startsWith(ticketPrefix));
  if (!offered.includes(subprotocol)) {
    throw new AppError('invalid_argument', `Sec-WebSocket-Protocol: Offer ${subprotocol}.`);
  }
  if (tickets.length > 1) throw new AppError('invalid_argument', 'Sec-WebSocket-Protocol: Send one ticket.');
  return tickets[0]?.slice(ticketPrefix.length);
}
