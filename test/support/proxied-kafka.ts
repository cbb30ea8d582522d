import { freePorts } from '@tidegate/infra';
import { KafkaBench } from './kafka-bench';
import { TcpProxy, type DecideFate } from './tcp-proxy';

/** Three brokers with a proxy before each: clients that start from `brokers` never get past them, the bench's own do not meet them. */
export class ProxiedKafka {
  private constructor(
    readonly bench: KafkaBench,
    private readonly proxies: readonly TcpProxy[],
  ) {}

  static async start(decide: DecideFate): Promise<ProxiedKafka> {
    const ports = await freePorts(3);
    const proxies = await Promise.all(ports.map((port) => TcpProxy.start({ port }, decide)));
    const bench = await KafkaBench.start(3, ({ id, port, controllerPort }) => {
      const direct = `PLAINTEXT://127.0.0.1:${port}`;
      return {
        listeners: `${direct},PROXIED://127.0.0.1:${ports[id - 1]},CONTROLLER://127.0.0.1:${controllerPort}`,
        'advertised.listeners': `${direct},PROXIED://127.0.0.1:${proxies[id - 1]?.port}`,
        'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT',
      };
    });
    return new ProxiedKafka(bench, proxies);
  }

  get brokers(): string[] {
    return this.proxies.map(({ port }) => `127.0.0.1:${port}`);
  }

  async stop(): Promise<void> {
    await this.bench.stop();
    await Promise.all(this.proxies.map((proxy) => proxy.close()));
  }
}
