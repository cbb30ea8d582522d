import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { Authenticator } from './authenticator';
import { ClientCertificates } from './client-certificates';
import { callerOf } from './credentials';
import { audience, LoopbackIssuer, signingKey } from './loopback-issuer';

// Of nobody; its key was thrown away.
const certificate = [
  'MIIBezCCASGgAwIBAgIUYBUmA3ADE/ex8PWfeqc/O376iLwwCgYIKoZIzj0EAwIwEjEQMA4GA1UEAwwHcGFydG5lcjAgFw0yNjEx',
  'MjUxMTMzNDJaGA8yMTI2MTEwMTExMzM0MlowEjEQMA4GA1UEAwwHcGFydG5lcjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABIBM',
  'i8ceFGGg4vRbRhk0RvMmqZjNMbe1sjIP68KqMcKxT0vmByBDiHimBi60M7rxQkJgEAQvArKL2H1pHNV47bejUzBRMB0GA1UdDgQW',
  'BBTp+OeLk3CmcBzHcnS1fVe5oWhmJTAfBgNVHSMEGDAWgBTp+OeLk3CmcBzHcnS1fVe5oWhmJTAPBgNVHRMBAf8EBTADAQH/MAoG',
  'CCqGSM49BAMCA0gAMEUCIGRwEwGIj4YcdxoGuH6cOSDlw6HPsc8xyzPC6qiH+65tAiEA4XQHwNh8x4vLMF00PM3l+d8vDWpyXbdc',
  '8tDLFG2ei4Y=',
].join('');

const hop = '10.0.0.7';
const hash = 'ab'.repeat(32);
const thumbprint = Buffer.from(hash, 'hex').toString('base64url');
const from = (remoteAddress: string, ...rawHeaders: string[]) => ({ rawHeaders, socket: { remoteAddress } });
const forwarded = new ClientCertificates({ hops: ['10.0.0.0/24'], header: 'x-forwarded-client-cert' });
const refused = { code: 'unauthenticated' };

describe(ClientCertificates.name, () => {
  it('takes the word of a hop, whichever way its address is written', () => {
    const header = ['X-Forwarded-Client-Cert', `By=spiffe://a;Hash=${hash};Subject="CN=a, O=\\"b\\"";URI=`];
    expect(forwarded.of(from(hop, ...header))).toBe(thumbprint);
    expect(forwarded.of(from(`::ffff:${hop}`, ...header))).toBe(thumbprint);
    expect(forwarded.of(from(hop))).toBeUndefined();
  });

  it.each(['x-forwarded-client-cert', 'X-FORWARDED-CLIENT-CERT', 'client-cert', 'ssl-client-cert', 'x-client-cert'])(
    'does not read %s of anybody else',
    (name) => {
      const request = from('10.0.1.7', name, `Hash=${hash}`);
      expect(forwarded.of(request)).toBeUndefined();
      expect(new ClientCertificates().of(request)).toBeUndefined();
    },
  );

  it('reads a whole certificate as RFC 9440 writes it', () => {
    const said = new ClientCertificates({ hops: [hop] });
    const expected = createHash('sha256').update(Buffer.from(certificate, 'base64')).digest('base64url');
    expect(said.of(from(hop, 'Client-Cert', `:${certificate}:`))).toBe(expected);
    for (const value of [certificate, ':AAAA:', `:${certificate}:, :${certificate}:`, '']) {
      expect(() => said.of(from(hop, 'Client-Cert', value))).toThrow('A valid access token is needed.');
    }
  });

  it('reads one header of a hop only, since the hop lets the other pass as the client wrote it', () => {
    expect(forwarded.of(from(hop, 'Client-Cert', ':AAAA:'))).toBeUndefined();
  });

  it.each([
    ['two elements', `Hash=${hash},Hash=${'cd'.repeat(32)}`],
    ['an element behind the hash', `Hash=${hash},By=b`],
    ['a quote that hides the proxy', `Hash=${hash};Subject=",Hash=${'cd'.repeat(32)};Subject="CN=x"`],
    ['an open quote', `Hash=${hash};Subject="`],
    ['two hashes', `Hash=${hash};Hash=${hash}`],
    ['a short hash', 'Hash=abcd'],
    ['no hash', 'By=a;Subject="CN=a"'],
    ['nothing', ''],
  ])('refuses a forwarded certificate with %s', (_what, value) => {
    expect(() => forwarded.of(from(hop, 'X-Forwarded-Client-Cert', value))).toThrow('A valid access token is needed.');
  });

  it('refuses a header that came twice', () => {
    const twice = from(hop, 'X-Forwarded-Client-Cert', `Hash=${hash}`, 'x-forwarded-client-cert', `Hash=${hash}`);
    expect(() => forwarded.of(twice)).toThrow('A valid access token is needed.');
  });

  it('gives a certificate, nothing or `unauthenticated` for whatever text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const header of ['client-cert', 'x-forwarded-client-cert'] as const) {
          try {
            expect(new ClientCertificates({ hops: [hop], header }).of(from(hop, header, text))).toMatch(/^[\w-]{43}$/);
          } catch (error) {
            expect(error).toMatchObject(refused);
          }
        }
      }),
    );
  });
});

describe('a token that is bound to a certificate', () => {
  it('is taken with that certificate only, and from a hop only', async () => {
    const issuer = await new LoopbackIssuer().start();
    const key = await signingKey('ES256', 'k');
    issuer.keys = [key.jwk];
    const token = await issuer.sign(key, { cnf: { 'x5t#S256': thumbprint } });
    const authenticator = new Authenticator({ issuer: issuer.url, audience }, { certificates: forwarded });
    const call = (address: string, shown: string) =>
      callerOf(
        from(address, 'Authorization', `Bearer ${token}`, 'X-Forwarded-Client-Cert', `Hash=${shown}`),
        authenticator,
      );
    await expect(call(hop, hash)).resolves.toMatchObject({ subject: '13', confirmation: { certificate: thumbprint } });
    await expect(call(hop, 'cd'.repeat(32))).rejects.toMatchObject(refused);
    await expect(call('10.0.1.7', hash)).rejects.toMatchObject(refused);
    await expect(authenticator.bearer(token)).rejects.toMatchObject(refused);
    await issuer.stop();
  });
});
