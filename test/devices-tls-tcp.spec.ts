import { freePort, startKafka, type KafkaCluster } from '@tidegate/infra';
import type { SimulatedDevice } from '@tidegate/simulator';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { selfSigned } from './support/certificate';
import { DeviceDoor } from './support/device-door';

describe('devices over TLS', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'tidegate-tls-'));
  const { certificate, key } = selfSigned();
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
    writeFileSync(path.join(directory, 'key.pem'), key, { mode: 0o600 });
    [kafka, port] = await Promise.all([startKafka(), freePort()]);
    const files = {
      IOT_TLS_CERT_FILE: path.join(directory, 'certificate.pem'),
      IOT_TLS_KEY_FILE: path.join(directory, 'key.pem'),
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
