import { Module, type ValueProvider } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AuditLog, type AuditEntry } from '@tidegate/audit';
import { AccessGuard, Authenticator, type Principal } from '@tidegate/auth';
import { LiveCatalog, type Stream } from '@tidegate/catalog';
import { AppError } from '@tidegate/errors';
import { createHttpApp, type HttpApp } from '@tidegate/http';
import {
  StreamHub,
  type ByeCode,
  type ReadOptions,
  type RecordsPage,
  type Session,
  type SessionSink,
  type StreamStart,
} from '@tidegate/streams';
import { createLogger, createRegistry, type Registry } from '@tidegate/telemetry';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import 'reflect-metadata';
import WebSocket from 'ws';
import { DoorsModule, type DoorsModuleOptions } from './doors.module';

interface TakenStart extends StreamStart {
  sub?: string;
}

/** A subscription that reached the hub. */
interface Taken {
  principal: Principal;
  stream: string;
  start: TakenStart;
  sink: SessionSink;
  closed: boolean;
  refreshed: Principal[];
  acked: string[];
  /** Last cursor, goodbye, gone. */
  end: (code: ByeCode) => void;
}

const streams = new Map<string, Stream>(
  (['order', 'account'] as const).map((schema) => {
    const [name, key] = [`${schema}s`, [`${schema}Id`]];
    const resume = { maxScanned: 1, maxMs: 1 };
    return [name, { name, key, schema, resume, sources: [{ topic: `secret.${name}` }], tenant: 'tenantId' }];
  }),
);

/** Stands in for the hub, so that specs say what a session does and when. */
class FakeHub {
  readonly taken: Taken[] = [];
  readonly reads: ReadOptions[] = [];
  readonly acks: [subject: string, stream: string, sub: string, cursor: string][] = [];
  refusal: AppError | undefined;
  page: RecordsPage = { records: [], gone: [], cursor: 'c0', gap: null, caughtUp: true };
  before: () => Promise<void> = () => Promise.resolve();

  async subscribe(principal: Principal, stream: string, start: TakenStart, sink: SessionSink): Promise<Session> {
    await this.before();
    if (this.refusal !== undefined) throw this.refusal;
    if (stream !== 'orders' && stream !== 'accounts') throw new AppError('not_found', 'There is no such stream.');
    if (start.after === 'bad') throw new AppError('invalid_cursor', 'The cursor is damaged.');
    const end = (code: ByeCode): void => {
      if (taken.closed) return;
      sink.cursor('last');
      sink.bye(code, 123);
      taken.closed = true;
    };
    const taken: Taken = { principal, stream, start, sink, closed: false, refreshed: [], acked: [], end };
    this.taken.push(taken);
    return {
      id: `s${this.taken.length}`,
      updatePrincipal: (fresh) => void taken.refreshed.push(fresh),
      close: () => (taken.closed = true),
      end,
      ack: (cursor: string) => {
        if (start.sub === undefined) throw new AppError('unprocessable', 'The session has no name.');
        taken.acked.push(cursor);
      },
    };
  }

  ack(principal: Principal, stream: string, sub: string, cursor: string): Promise<void> {
    if (cursor === 'bad') return Promise.reject(new AppError('invalid_cursor', 'The cursor is damaged.'));
    this.acks.push([principal.subject, stream, sub, cursor]);
    return Promise.resolve();
  }

  async read(_principal: Principal, stream: string, options: ReadOptions): Promise<RecordsPage> {
    this.reads.push(options);
    if (stream !== 'orders') throw new AppError('not_found', 'There is no such stream.');
    await this.before();
    return this.page;
  }

  drain(): void {
    for (const { end } of this.taken) end('restart');
  }

  get last(): Taken {
    const taken = this.taken.at(-1);
    if (taken === undefined) throw new Error('nobody has subscribed');
    return taken;
  }

  get open(): number {
    return this.taken.filter(({ closed }) => !closed).length;
  }
}

/** Tokens are `<subject>` or `<subject>~<milliseconds to live>`; some are taken back. */
export const authenticator = {
  revoked: new Set<string>(),
  bearer(token: string): Promise<Principal> {
    const [subject = '', ttl = '3600000'] = token.split('~');
    if (subject === 'nobody' || authenticator.revoked.has(token))
      return Promise.reject(new AppError('unauthenticated', 'A valid access token is needed.'));
    const expiresAtMs = Date.now() + Number(ttl);
    return Promise.resolve({ subject, tenant: 'north', roles: ['customer'], expiresAtMs, claims: {} });
  },
};

export interface Doors {
  hub: FakeHub;
  app: HttpApp;
  registry: Registry;
  port: number;
  url: string;
  /** What the audit was told. */
  audited: AuditEntry[];
}

export async function openDoors(options: DoorsModuleOptions = {}, others: ValueProvider[] = []): Promise<Doors> {
  const hub = new FakeHub();
  const registry = createRegistry();
  const audited: AuditEntry[] = [];
  const audit: Pick<AuditLog, 'record'> = {
    record: (entry) => void audited.push(typeof entry === 'function' ? entry() : entry),
  };
  const logger = createLogger({ service: 'doors', level: 'silent' });
  @Module({})
  class World {}
  const world = {
    module: World,
    global: true,
    providers: [
      { provide: StreamHub, useValue: hub },
      { provide: Authenticator, useValue: authenticator },
      { provide: AuditLog, useValue: audit },
      { provide: LiveCatalog, useValue: { current: { streams } } },
      { provide: APP_GUARD, useClass: AccessGuard },
      ...others,
    ],
    exports: [StreamHub, Authenticator, AuditLog, LiveCatalog, ...others.map(({ provide }) => provide)],
  };
  @Module({})
  class Root {}
  const doors = DoorsModule.forRoot({ paths: [{ path: '/orders/stream', stream: 'orders' }], ...options });
  const app = await createHttpApp({ module: Root, imports: [world, doors] }, { logger, registry });
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  return { hub, app, registry, port, url: `http://127.0.0.1:${port}`, audited };
}

export interface Frame {
  t: string;
  [field: string]: unknown;
}

/** A WebSocket that remembers its frames. */
export class Phone {
  readonly frames: Frame[] = [];
  readonly texts: string[] = [];
  closed: { code: number; reason: string } | undefined;

  private constructor(readonly socket: WebSocket) {
    socket.on('error', () => undefined);
    socket.on('message', (data: Buffer) => {
      this.texts.push(data.toString());
      this.frames.push(JSON.parse(data.toString()) as Frame);
    });
    socket.on('close', (code, reason) => (this.closed = { code, reason: reason.toString() }));
  }

  static open(doors: Doors, path = '/orders/stream', token = '13'): Promise<Phone> {
    return Phone.connect(doors, path, ['tidegate.v1'], { authorization: `Bearer ${token}` });
  }

  /** As a page does: a ticket, no header of its own. */
  static page(doors: Doors, path: string, ticket: string, origin: string): Promise<Phone> {
    return Phone.connect(doors, path, ['tidegate.v1', `ticket.${ticket}`], { origin });
  }

  private static async connect(
    { port }: Doors,
    path: string,
    protocols: string[],
    headers: Record<string, string>,
  ): Promise<Phone> {
    const phone = new Phone(new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols, { headers }));
    await once(phone.socket, 'open');
    await phone.until(() => phone.frames.length > 0);
    return phone;
  }

  send(frame: unknown): void {
    this.socket.send(JSON.stringify(frame));
  }

  of(t: string): Frame[] {
    return this.frames.filter((frame) => frame.t === t);
  }

  until(condition: () => boolean): Promise<void> {
    return until(condition, () => JSON.stringify(this.frames.slice(-5)));
  }
}

export async function until(condition: () => boolean | Promise<boolean>, describe = () => ''): Promise<void> {
  const untilMs = Date.now() + 15_000;
  while (!(await condition())) {
    if (Date.now() > untilMs) throw new Error(`waited in vain: ${describe()}`);
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
}

/** Sessions and connections are back to none. */
export function untilNoneIsLeft({ hub, registry }: Doors): Promise<void> {
  return until(async () => {
    const metric = await registry.getSingleMetric('tidegate_door_connections')?.get();
    return hub.open === 0 && metric?.values.every(({ value }) => value === 0) === true;
  });
}

export interface Refusal {
  status: number;
  headers: IncomingMessage['headers'];
  body: { code: string; detail: string; errors?: { pointer: string; detail: string }[] };
}

const handshake = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-protocol': 'tidegate.v1',
  authorization: 'Bearer 13',
};

/** An upgrade that is expected to be refused; `undefined` leaves a header of the good handshake out. */
export function refusedUpgrade(
  { port }: Doors,
  path: string,
  changed: Record<string, string | undefined> = {},
): Promise<Refusal> {
  const all = Object.entries({ ...handshake, ...changed });
  const headers = Object.fromEntries(all.filter((entry): entry is [string, string] => entry[1] !== undefined));
  return new Promise((resolve, reject) => {
    const sent = request({ port, host: '127.0.0.1', path, headers }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => {
        const body = JSON.parse(text) as Refusal['body'];
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      });
    });
    sent.on('upgrade', (_response, socket) => {
      socket.destroy();
      reject(new Error('it was not refused'));
    });
    sent.on('error', reject);
    sent.end();
  });
}
