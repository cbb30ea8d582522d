import { DeviceTokens } from '@tidegate/auth';
import { freePort, startKafka, type KafkaCluster } from '@tidegate/infra';
import { deviceToken, type SimulatedDevice } from '@tidegate/simulator';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { selfSigned } from './support/certificate';
import { DeviceDoor } from './support/device-door';
import { RawDevice } from './support/raw-device';

describe('devices over TLS', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'tidegate-tls-'));
  const { certificate, key } = selfSigned();
  const own = selfSigned('own', ['north/certified', 'north/second']);
  const tricky = selfSigned('tricky', ['x, URI:north/certified, y']);
  const stranger = selfSigned('stranger', ['north/certified']);
  let kafka: KafkaCluster;
  let door: DeviceDoor;
  let port: number;

  const handshake = async (options: ConnectionOptions): Promise<string> => {
    const socket: TLSSocket = connect({
      host: '127.0.0.1',
      port,
      ca: certificate,
      servername: 'localhost',
      ...options,
    });
    let outcome = 'closed';
    socket.on('secureConnect', () => (outcome = `${socket.getProtocol()} ${String(socket.alpnProtocol)}`));
    socket.on('error', (error: NodeJS.ErrnoException) => (outcome = error.code ?? 'error'));
    await Promise.race([new Promise((resolve) => socket.on('close', resolve)), sleep(500)]);
    const isOpen = !socket.destroyed;
    socket.destroy();
    return isOpen ? outcome : `closed after ${outcome}`;
  };

  beforeAll(async () => {
    writeFileSync(path.join(directory, 'certificate.pem'), certificate);
    writeFileSync(path.join(directory, 'devices.pem'), own.certificate + tricky.certificate);
    writeFileSync(path.join(directory, 'key.pem'), key, { mode: 0o600 });
    [kafka, port] = await Promise.all([startKafka(), freePort()]);
    const files = {
      IOT_TLS_CERT_FILE: path.join(directory, 'certificate.pem'),
      IOT_TLS_KEY_FILE: path.join(directory, 'key.pem'),
      IOT_TLS_CLIENT_CA_FILE: path.join(directory, 'devices.pem'),
    };
    door = await DeviceDoor.start({
      brokers: kafka.brokers,
      env: { ...files, IOT_TLS_PORT: String(port), IOT_PLAIN: 'off' },
    });
  }, 120_000);

  afterAll(async () => {
    await door?.stop();
    await kafka?.stop();
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  it('are served as without it', async () => {
    const device: SimulatedDevice = door.device({ deviceId: 'sealed', codec: 'cbor', port, ca: certificate });
    await device.open();
    device.send({ times: [Date.now()], channels: [{ number: 1, digits: 0, values: [1] }] });
    await device.until(() => device.ackedFrames === 1, 'acknowledged');
  });

  it('need no token with a certificate that has their name, and no other certificate helps', async () => {
    const greet = async (
      deviceId: string,
      shown: typeof own | undefined,
      token: Uint8Array = Buffer.alloc(0),
    ): Promise<string | number> => {
      const tls = { ca: certificate, ...(shown && { cert: shown.certificate, key: shown.key }) };
      const device = await RawDevice.connect({ port, tokenKeys: door.tokenKeys, deviceId, tls });
      device.write(device.preface(), device.hello({ token }));
      await device.until(() => device.frames.length > 0, 'answered');
      device.cut();
      return device.last('welcome')?.kind ?? device.last('goodbye')?.code ?? 'nothing';
    };
    expect([await greet('certified', own), await greet('second', own)]).toEqual(['welcome', 'welcome']);
    const token = deviceToken(door.tokenKeys, { tenant: 'north', deviceId: 'other' });
    expect(await greet('other', undefined, token)).toBe('welcome');
    const refused = [
      greet('other', own),
      greet('other', own, token),
      greet('certified', own, token),
      greet('certified', stranger),
      greet('certified', tricky),
      greet('certified', undefined),
    ];
    expect(await Promise.all(refused)).toEqual(refused.map(() => 1));
  });

  it('are told to go when their token ends', async () => {
    const tokens = new DeviceTokens([Buffer.from(door.tokenKeys, 'base64url')]);
    const endsAtSeconds = Math.ceil(Date.now() / 1_000) + 5;
    const device = await RawDevice.connect({
      ...{ port, tokenKeys: door.tokenKeys, deviceId: 'guest', tls: { ca: certificate } },
    });
    const token = tokens.issue({ tenant: 'north', deviceId: 'guest' }, endsAtSeconds);
    device.write(device.preface(), device.hello({ token }));
    await device.until(() => device.last('welcome') !== undefined, 'welcome');
    await device.until(() => device.isClosed, 'closed');
    expect(device.last('goodbye')?.code).toBe(1);
    const lateMs = Date.now() - endsAtSeconds * 1_000;
    expect([lateMs >= 0, lateMs < 5_000]).toEqual([true, true]);
  });

  it('need TLS 1.3 and the name of the protocol', async () => {
    const ALPNProtocols = ['tidegate-iot/1'];
    expect(await handshake({ ALPNProtocols })).toBe('TLSv1.3 tidegate-iot/1');
    expect(await handshake({ ALPNProtocols, maxVersion: 'TLSv1.2' })).toContain('closed after ERR_SSL');
    expect(await handshake({ ALPNProtocols: ['h2'] })).toContain('closed after');
    expect(await handshake({})).toContain('closed after');
  });

  it('have no plain listener where that is off', async () => {
    const socket = connectPlain({ host: '127.0.0.1', port: door.port });
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
  });
});
