import { ModulesContainer } from '@nestjs/core';
import { createLogger, createRegistry } from '@tidegate/telemetry';
import { FrameDecoder } from '@tidegate/wire';
import { once } from 'node:events';
import { connect } from 'node:net';
import path from 'node:path';
import { AppModule } from './app.module';
import { readConfig } from './config';
import { listOpcodes } from './connection/opcodes';
import { createDeviceApp } from './device-app';
import { DeviceServer } from './device-server';

type App = Awaited<ReturnType<typeof createDeviceApp>>;

const environment = {
  ...{ CATALOG_DIR: path.resolve(__dirname, '../../../catalog'), KAFKA_BROKERS: '127.0.0.1:1', IOT_TCP_PORT: '0' },
  ...{ DEVICE_TOKEN_KEYS: Buffer.alloc(32, 7).toString('base64url'), IOT_DRAIN_MS: '50' },
  ...{ IOT_CATALOG_DIR: path.resolve(__dirname, '../catalog'), AUDIT_FLUSH_MS: '0' },
};
const create = (changes: Record<string, string> = {}): Promise<App> =>
  createDeviceApp(AppModule.forRoot(readConfig({ ...environment, ...changes })), {
    logger: createLogger({ service: 'iot', level: 'silent' }),
    registry: createRegistry(),
  });

describe('the door for devices', () => {
  let app: App;
  let port: number;

  beforeAll(async () => {
    app = await create({ IOT_LIMIT_LOOPBACK: 'true', IOT_CONNECTIONS_PER_IP: '2' });
    await app.listen();
    [port = 0] = app.get(DeviceServer).ports;
  });

  afterAll(() => app.close());

  it('declares the access of every kind of frame; the anonymous one is named here', () => {
    const named = listOpcodes(app.get(ModulesContainer)).map(({ opcode, access }) => {
      if (access === undefined) return `${opcode} UNDECLARED`;
      return `${opcode} ${access.kind === 'public' ? 'public' : access.roles?.join(',')}`;
    });
    expect(named.sort()).toEqual(['bye device', 'hello public', 'ping device', 'telemetry device']);
  });

  it('refuses to listen with a frame whose access nobody declared', async () => {
    const undeclared = await create();
    const modules = undeclared.get(ModulesContainer);
    const [entry] = listOpcodes(modules).filter(({ opcode }) => opcode === 'hello');
    const controllers = [...modules.values()].flatMap((module) => [...module.controllers.values()]);
    const controller = controllers.find(({ name }) => name === entry?.handler.split('.')[0]);
    const prototype = (controller?.metatype as { prototype: Record<string, object> }).prototype;
    const access = Reflect.getMetadata('tidegate.auth.access', prototype['hello'] ?? {}) as unknown;
    Reflect.deleteMetadata('tidegate.auth.access', prototype['hello'] ?? {});
    await expect(undeclared.listen()).rejects.toThrow('HelloController.hello declares no access');
    Reflect.defineMetadata('tidegate.auth.access', access, prototype['hello'] ?? {});
    await undeclared.close();
  });

  it('is open without Kafka, and says a reason before it ends a connection', async () => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.write('GET / HTTP/1.1\r\n\r\n');
    const decoder = new FrameDecoder({ preface: false });
    socket.on('data', (chunk: Buffer) => decoder.push(chunk));
    await once(socket, 'close');
    // Goodbye (field 6), code 10 PROTOCOL (field 1).
    expect(decoder.next()?.subarray(0, 1).toString('hex')).toBe('32');
  });

  it('turns a third connection of an address away', async () => {
    const held = [connect({ host: '127.0.0.1', port }), connect({ host: '127.0.0.1', port })];
    await Promise.all(held.map((socket) => once(socket, 'connect')));
    const third = connect({ host: '127.0.0.1', port });
    third.on('error', () => undefined);
    await once(third, 'close');
    expect(held.map(({ destroyed }) => destroyed)).toEqual([false, false]);
    for (const socket of held) socket.destroy();
  });

  it('names the variable of a port that is taken', async () => {
    const second = await create({ IOT_TCP_PORT: String(port) });
    await expect(second.listen()).rejects.toThrow('IOT_TCP_PORT');
    await second.close();
  });
});
