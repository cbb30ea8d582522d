import { BlockList } from 'node:net';
import { z } from 'zod';
import { RateBucket } from './rate-bucket';

export const acceptOptionsSchema = z.object({
  maxConnections: z.int().min(1).default(50_000),
  /** Of one address. */
  connectionsPerIp: z.int().min(1).default(50),
  acceptsPerSecondPerIp: z.int().min(1).default(10),
  /** Whether the limits per address hold for this host too, where development and proxies come from. */
  limitLoopback: z.boolean().default(false),
});

export type AcceptOptions = z.output<typeof acceptOptionsSchema>;

const maxAddresses = 100_000;
const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

interface Peer {
  open: number;
  readonly accepts: RateBucket;
  seenAtMs: number;
}

/** Who may connect, before a byte is read. */
export class AcceptLimits {
  private readonly peers = new Map<string, Peer>();
  private open = 0;

  constructor(private readonly options: AcceptOptions) {}

  /** @returns why not, or undefined: then `leave` must follow once */
  enter(address: string, nowMs: number): 'total' | 'per-address' | 'rate' | undefined {
    const { maxConnections, connectionsPerIp } = this.options;
    if (this.open >= maxConnections) return 'total';
    if (this.isLimited(address)) {
      const peer = this.peer(address, nowMs);
      peer.seenAtMs = nowMs;
      if (peer.open >= connectionsPerIp) return 'per-address';
      if (peer.accepts.wait(1, nowMs) > 0) return 'rate';
      peer.accepts.take(1);
      peer.open += 1;
    }
    this.open += 1;
    return undefined;
  }

  leave(address: string): void {
    this.open -= 1;
    const peer = this.peers.get(address);
    if (peer !== undefined) peer.open -= 1;
  }

  /** Forgets addresses that have been away long enough to have a full bucket. */
  sweep(nowMs: number): void {
    for (const [address, { open, seenAtMs }] of this.peers) {
      if (open === 0 && nowMs - seenAtMs > 10_000) this.peers.delete(address);
    }
  }

  private peer(address: string, nowMs: number): Peer {
    const known = this.peers.get(address);
    if (known !== undefined) return known;
    if (this.peers.size >= maxAddresses) this.sweep(nowMs);
    const peer = { open: 0, accepts: new RateBucket(this.options.acceptsPerSecondPerIp, nowMs), seenAtMs: nowMs };
    this.peers.set(address, peer);
    return peer;
  }

  private isLimited(address: string): boolean {
    if (this.options.limitLoopback) return true;
    return !loopback.check(address, address.includes(':') ? 'ipv6' : 'ipv4');
  }
}
