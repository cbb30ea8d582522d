import { AcceptLimits, acceptOptionsSchema } from './accept-limits';

const peer = '203.0.113.5';
const limits = (changes: object): AcceptLimits => new AcceptLimits(acceptOptionsSchema.parse(changes));

describe(AcceptLimits.name, () => {
  it('lets in as many connections of an address as it may have, and another when one leaves', () => {
    const sut = limits({ connectionsPerIp: 2, acceptsPerSecondPerIp: 100 });
    expect([1, 2, 3].map(() => sut.enter(peer, 0))).toEqual([undefined, undefined, 'per-address']);
    expect(sut.enter('203.0.113.6', 0)).toBeUndefined();
    sut.leave(peer);
    expect(sut.enter(peer, 0)).toBeUndefined();
  });

  it('lets in as many connections a second of an address as it may open', () => {
    const sut = limits({ acceptsPerSecondPerIp: 2 });
    expect([1, 2, 3, 4, 5].map(() => sut.enter(peer, 0))).toEqual([undefined, undefined, undefined, undefined, 'rate']);
    expect([sut.enter(peer, 499), sut.enter(peer, 500)]).toEqual(['rate', undefined]);
  });

  it('lets in as many connections as there may be in all', () => {
    const sut = limits({ maxConnections: 1 });
    expect([sut.enter(peer, 0), sut.enter('203.0.113.6', 0)]).toEqual([undefined, 'total']);
    sut.leave(peer);
    expect(sut.enter('203.0.113.6', 0)).toBeUndefined();
  });

  it.each(['127.0.0.1', '::1', '::ffff:127.0.0.1'])('holds %s to the total only, unless told otherwise', (loopback) => {
    const entered = (limitLoopback: boolean): unknown[] => {
      const sut = limits({ connectionsPerIp: 1, limitLoopback });
      return [sut.enter(loopback, 0), sut.enter(loopback, 0)];
    };
    expect(entered(false)).toEqual([undefined, undefined]);
    expect(entered(true)).toEqual([undefined, 'per-address']);
  });

  it('forgets an address that is gone, but not one that is connected', () => {
    const sut = limits({ connectionsPerIp: 1, acceptsPerSecondPerIp: 1 });
    sut.enter(peer, 0);
    sut.sweep(60_000);
    expect(sut.enter(peer, 60_000)).toBe('per-address');
    sut.leave(peer);
    sut.sweep(120_000);
    expect(sut.enter(peer, 120_000)).toBeUndefined();
  });
});
