import { normalizeIp } from '@nestjs/throttler';
import { BlockList, isIP } from 'node:net';

/** Node's `IncomingMessage`, as far as it is looked at. */
export interface AddressedRequest {
  headers: Readonly<Record<string, string | string[] | undefined>>;
  socket: { readonly remoteAddress?: string | undefined };
}

/** Proxies whose `X-Forwarded-For` is believed: addresses and subnets such as `10.0.0.0/8`. */
export class TrustedProxies {
  private readonly list = new BlockList();

  /** @throws TypeError for what is neither; `isProxy` tells beforehand */
  constructor(proxies: readonly string[]) {
    for (const proxy of proxies) {
      const [address = '', prefix] = proxy.split('/');
      const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
      if (prefix === undefined) this.list.addAddress(address, family);
      else this.list.addSubnet(address, Number(prefix), family);
    }
  }

  has(address: string): boolean {
    const version = isIP(address);
    return version !== 0 && this.list.check(address, version === 6 ? 'ipv6' : 'ipv4');
  }
}

/** Whether a text is an address or a subnet. */
export function isProxy(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address) as 0 | 4 | 6];
  return (
    bits > 0 && rest.length === 0 && (prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits))
  );
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
