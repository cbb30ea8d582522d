import { isProxy, TrustedProxies } from './trusted-proxies';

describe('isProxy()', () => {
  it.each(['10.0.0.0/8', '10.0.0.1', '::1', 'fd00::/8', '0.0.0.0/0', '10.0.0.1/32'])('takes %s', (text) => {
    expect(isProxy(text)).toBe(true);
    expect(() => new TrustedProxies([text])).not.toThrow();
  });

  it.each(['', 'proxy.local', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', 'fd00::/129', '10.0.0.0/-1'])(
    'refuses %j',
    (text) => {
      expect(isProxy(text)).toBe(false);
    },
  );
});
