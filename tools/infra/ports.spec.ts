import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { freePorts, isFree, retryTakenPorts } from './ports';

describe('isFree()', () => {
  it('tells a port that is taken from one that is free again', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    expect(await isFree(port)).toBe(false);
    server.close();
    await once(server, 'close');
    expect(await isFree(port)).toBe(true);
  });
});

describe('freePorts()', () => {
  it('gives different ports below those of outgoing connections', async () => {
    const ports = await freePorts(20);
    expect(new Set(ports).size).toBe(20);
    for (const port of ports) expect(port).toBeLessThan(32_768);
  });
});

describe('retryTakenPorts()', () => {
  const failing = (times: number, message: string) => {
    let calls = 0;
    return () => (++calls <= times ? Promise.reject(new Error(message)) : Promise.resolve(calls));
  };

  it('tries again while the port is taken', async () => {
    await expect(retryTakenPorts(failing(4, 'bind: Address already in use'))).resolves.toBe(5);
  });

  it('gives up after five times', async () => {
    await expect(retryTakenPorts(failing(5, 'listen EADDRINUSE'))).rejects.toThrow('EADDRINUSE');
  });

  it('does not repeat another mistake', async () => {
    await expect(retryTakenPorts(failing(1, 'no such file'))).rejects.toThrow('no such file');
  });
});
