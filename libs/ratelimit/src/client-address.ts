import { normalizeIp } from '@nestjs/throttler';
import type { TrustedProxies } from '@tidegate/auth';
import { isIP } from 'node:net';

/** Node's `IncomingMessage`, as far as it is looked at. */
export interface AddressedRequest {
  headers: Readonly<Record<string, string | string[] | undefined>>;
  socket: { readonly remoteAddress?: string | undefined };
}

/**
 * The address that a request is counted by: the last one that no trusted proxy has, read from the right, because a client
 * writes what it likes on the left. IPv6 by its /64, which one client has whole; IPv4 in IPv6 as IPv4.
 */
export function clientAddress({ headers, socket }: AddressedRequest, proxies: TrustedProxies): string {
  let address = plain(socket.remoteAddress ?? '');
  const hops = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',');
  while (hops.length > 0 && proxies.has(address)) {
    const next = plain(hops.pop() ?? '');
    if (isIP(next) === 0) break;
    address = next;
  }
  return normalizeIp(address, 64);
}

/** Without brackets, port and IPv6 zone; IPv4 in IPv6 as IPv4. */
function plain(text: string): string {
  const bare = text
    .trim()
    .replace(/^\[([^\]]*)\](?::\d+)?$/, '$1')
    .replace(/^([\d.]+):\d+$/, '$1')
    .replace(/%.*$/, '');
  return isIP(bare) === 0 ? bare : normalizeIp(bare, 128).replace(/\/128$/, '');
}
