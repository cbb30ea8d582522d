import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** One element of DER. */
function der(tag: number, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}

const sequence = (...parts: Uint8Array[]): Buffer => der(0x30, ...parts);
const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const commonName = der(0x06, hex('550403'));
const subjectAltName = der(0x06, hex('551d11'));
const basicConstraints = der(0x06, hex('551d13'));
const ecdsaWithSha256 = sequence(der(0x06, hex('2a8648ce3d040302')));

/** A certificate for `localhost` that vouches for itself, good for a day, in PEM. */
export function selfSigned(subject = 'localhost', uris: readonly string[] = []): { certificate: string; key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = sequence(der(0x31, sequence(commonName, der(0x0c, Buffer.from(subject)))));
  const time = (ms: number): Buffer =>
    der(0x18, Buffer.from(`${new Date(ms).toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`));
  const extensions = sequence(
    sequence(
      subjectAltName,
      der(
        0x04,
        sequence(
          der(0x82, Buffer.from('localhost')),
          der(0x87, Buffer.from([127, 0, 0, 1])),
          ...uris.map((uri) => der(0x86, Buffer.from(uri))),
        ),
      ),
    ),
    sequence(basicConstraints, der(0x01, hex('ff')), der(0x04, sequence(der(0x01, hex('ff'))))),
  );
  const body = sequence(
    der(0xa0, der(0x02, hex('02'))),
    der(0x02, Buffer.concat([hex('01'), randomBytes(8)])),
    ecdsaWithSha256,
    name,
    sequence(time(Date.now() - 3_600_000), time(Date.now() + 86_400_000)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions),
  );
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const signature = sign('sha256', body, createPrivateKey(key));
  const bytes = sequence(body, ecdsaWithSha256, der(0x03, hex('00'), signature)).toString('base64');
  const lines = bytes.match(/.{1,64}/g)?.join('\n') ?? '';
  return { certificate: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`, key };
}
