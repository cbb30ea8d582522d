import { startServer, untilReady, type Server, type ServerOptions } from '../supervisor.ts';
import type { DataDirectory } from './directories.ts';

export interface LocalServerOptions extends ServerOptions {
  port: number;
  /** Whether it answers a real request. */
  isReady: () => Promise<boolean>;
  readyTimeoutMs: number;
}

/** A server that can be started again on its port, whatever happened to it. */
export class LocalServer {
  readonly #options: LocalServerOptions;
  #server: Server | undefined;

  constructor(options: LocalServerOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.name;
  }

  get port(): number {
    return this.#options.port;
  }

  get logFile(): string {
    return this.#options.logFile;
  }

  get running(): boolean {
    return this.#server?.running ?? false;
  }

  get endedByItself(): boolean {
    return this.#server?.endedByItself ?? false;
  }

  /** Settles when the process that runs now has ended. */
  get exited(): Promise<unknown> {
    return this.#server?.exited ?? Promise.resolve();
  }

  /** Resolves when it answers. @throws Error with the end of its log */
  async start(): Promise<void> {
    if (this.running) return;
    const appendLog = this.#server !== undefined;
    const server = (this.#server = await startServer({ ...this.#options, appendLog }));
    try {
      await untilReady(server, this.#options.isReady, this.#options.readyTimeoutMs);
    } catch (error) {
      await server.kill();
      throw error;
    }
  }

  /** Ends it in order. */
  async stop(): Promise<void> {
    await this.#server?.stop();
  }

  /** Ends it as a crash would: SIGKILL. */
  async kill(): Promise<void> {
    await this.#server?.kill();
  }

  /** Freezes it: connections stay open, nothing answers. */
  async pause(): Promise<void> {
    await this.#server?.pause();
  }

  async resume(): Promise<void> {
    await this.#server?.resume();
  }

  /** Resolves when it answers again on the same port; ends it in order first if it still runs. */
  async restart(): Promise<void> {
    await this.#server?.stop();
    await this.start();
  }
}

/** A server that is all of its store: its directory goes with it when that is temporary. */
export class LocalStore extends LocalServer {
  readonly url: string;
  readonly #directory: DataDirectory;

  constructor(url: string, directory: DataDirectory, options: LocalServerOptions) {
    super({ ...options, temporaryDirectory: directory.temporary ? directory.path : undefined });
    this.url = url;
    this.#directory = directory;
  }

  /** Starts it and leaves nothing behind when that fails. */
  static async started(url: string, directory: DataDirectory, options: LocalServerOptions): Promise<LocalStore> {
    const store = new LocalStore(url, directory, options);
    try {
      await store.start();
    } catch (error) {
      directory.remove();
      throw error;
    }
    return store;
  }

  override async stop(): Promise<void> {
    await (this.#directory.temporary ? this.kill() : super.stop());
    this.#directory.remove();
  }
}
