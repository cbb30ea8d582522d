import { createLogger } from '@tidegate/telemetry';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Issuer, type IssuerOptions } from './issuer';

export const secret = 'a development secret';
export const redirectUri = 'http://127.0.0.1:8080/callback';
const logger = createLogger({ service: 'test', level: 'silent' });

/** An issuer on a free port, with files of its own. */
export class RunningIssuer {
  private readonly directory = mkdtempSync(path.join(tmpdir(), 'issuer-'));
  readonly keysFile = path.join(this.directory, 'keys.json');
  readonly partnersFile = path.join(this.directory, 'clients.json');
  url = 'http://127.0.0.1:1';
  private issuer: Issuer | undefined;

  /** Another one that would listen at the same place. */
  another(changes: Partial<IssuerOptions> = {}): Issuer {
    const { url, keysFile, partnersFile } = this;
    const clients = [{ id: 'mobile-bff', secret, identity: { roles: ['service'] } }];
    const own = { url, keysFile, partnersFile, host: '127.0.0.1', port: Number(new URL(url).port), clients };
    return new Issuer({ ...own, redirectUris: [redirectUri], ...changes }, logger);
  }

  async start(): Promise<void> {
    // The issuer's URL holds its port, so a first listener finds a free one.
    const probe = this.another({ port: 0 });
    this.url = `http://127.0.0.1:${await probe.start()}`;
    await probe.close();
    this.issuer = this.another();
    await this.issuer.start();
  }

  async stop(): Promise<void> {
    await this.issuer?.close();
  }
}
