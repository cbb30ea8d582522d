import { TrustedProxies } from '@tidegate/auth';
import fc from 'fast-check';
import { clientAddress } from './client-address';
import { keyOf } from './counted-caller';

const proxies = new TrustedProxies(['10.0.0.0/8', '127.0.0.1', 'fd00::/8']);
const seen = (remoteAddress: string, forwarded?: string | string[], trusted = proxies): string =>
  clientAddress({ headers: { 'x-forwarded-for': forwarded }, socket: { remoteAddress } }, trusted);

describe('clientAddress()', () => {
  it('is the peer, whatever it writes, when the peer is no trusted proxy', () => {
    expect(seen('203.0.113.9')).toBe('203.0.113.9');
    expect(seen('203.0.113.9', '1.2.3.4')).toBe('203.0.113.9');
    expect(seen('127.0.0.1', '1.2.3.4', new TrustedProxies([]))).toBe('127.0.0.1');
  });

  it('is what the last trusted proxy saw, not what the client wrote in front of it', () => {
    expect(seen('10.1.1.1', '203.0.113.9')).toBe('203.0.113.9');
    expect(seen('10.1.1.1', '6.6.6.6, 203.0.113.9')).toBe('203.0.113.9');
    expect(seen('10.1.1.1', '6.6.6.6, 203.0.113.9, 10.2.2.2')).toBe('203.0.113.9');
    expect(seen('10.1.1.1', ['6.6.6.6', '203.0.113.9'])).toBe('203.0.113.9');
  });

  it('is the last hop that can be read', () => {
    expect(seen('10.1.1.1')).toBe('10.1.1.1');
    expect(seen('10.1.1.1', '')).toBe('10.1.1.1');
    expect(seen('10.1.1.1', '203.0.113.9, unknown')).toBe('10.1.1.1');
    expect(seen('10.1.1.1', '203.0.113.9, unknown, 10.2.2.2')).toBe('10.2.2.2');
  });

  it('takes ports, brackets and IPv4 in IPv6 for what they are', () => {
    expect(seen('::ffff:10.1.1.1', '203.0.113.9:4711')).toBe('203.0.113.9');
    expect(seen('10.1.1.1', '::ffff:203.0.113.9')).toBe('203.0.113.9');
    expect(seen('10.1.1.1', '::ffff:cb00:7109')).toBe('203.0.113.9');
    expect(seen('fd00::1', '[2001:db8:1:2::9]:443')).toBe('2001:db8:1:2::/64');
  });

  it('counts an IPv6 client by its /64', () => {
    const one = seen('2001:db8:1:2:aaaa::1');
    expect(seen('2001:0DB8:1:2:ffff:ffff:ffff:ffff')).toBe(one);
    expect(seen('2001:db8:1:3::1')).not.toBe(one);
  });

  it('never throws, and no text before the last hop changes it', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(seen('10.1.1.1', `${text}, 203.0.113.9`)).toBe('203.0.113.9');
        expect(typeof seen('10.1.1.1', text)).toBe('string');
      }),
    );
  });
});

describe('keyOf()', () => {
  const principal = { subject: '13', tenant: 'north', roles: [], expiresAtMs: 0, claims: {} };
  const address = '203.0.113.9';

  it('names the authenticated caller, else the address', () => {
    expect(keyOf('subject', { principal, address })).toBe('subject:north/13');
    expect(keyOf('tenant', { principal, address })).toBe('tenant:north');
    expect(keyOf('ip', { principal, address })).toBe('ip:203.0.113.9');
    for (const per of ['subject', 'tenant', 'credential', 'ip'] as const) {
      expect(keyOf(per, { address })).toBe('ip:203.0.113.9');
    }
  });

  it('names the key, else the client, else the subject of a credential', () => {
    const withClient = { ...principal, clientId: 'shop' };
    expect(keyOf('credential', { principal: { ...withClient, credentialId: 'k1' }, address })).toBe('credential:k1');
    expect(keyOf('credential', { principal: withClient, address })).toBe('credential:shop');
    expect(keyOf('credential', { principal, address })).toBe('subject:north/13');
  });

  it('keeps callers without a tenant apart', () => {
    expect(keyOf('tenant', { principal: { ...principal, tenant: undefined }, address })).toBe('subject:/13');
  });
});
