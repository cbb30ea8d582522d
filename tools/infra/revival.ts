import type { LocalServer } from './local-server.ts';

const mostDeaths = 3;
const withinMs = 60_000;

/** Starts a server again that ended by itself, until it does so too often. */
export class Revival {
  readonly failed: Promise<never>;
  readonly #say: (line: string) => void;
  readonly #servers: LocalServer[] = [];
  #fail: (error: Error) => void = () => undefined;

  constructor(say: (line: string) => void) {
    this.#say = say;
    this.failed = new Promise((_, reject) => (this.#fail = reject));
    // Whoever does not listen is not to be ended by it.
    this.failed.catch(() => undefined);
  }

  /** Takes over a server that runs. */
  watch(server: LocalServer): void {
    this.#servers.push(server);
    this.#keepAlive(server).catch((error: Error) => this.#fail(error));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.stop()));
  }

  async #keepAlive(server: LocalServer): Promise<void> {
    let deaths: number[] = [];
    for (;;) {
      await server.exited;
      if (!server.endedByItself) return;
      const now = Date.now();
      deaths = [...deaths.filter((at) => now - at < withinMs), now];
      if (deaths.length > mostDeaths) throw new Error(`${server.name} ends again and again; see ${server.logFile}`);
      this.#say(`${server.name} ended by itself: starting it again`);
      await server.start();
    }
  }
}
