import { Body, Controller, Get, Inject, Module, Param, Post, Query, type DynamicModule } from '@nestjs/common';
import { ApiOkResponse } from '@nestjs/swagger';
import { AuthModule, Caller, Public, Require, type Principal } from '@tidegate/auth';
import { AppError, errorCodes } from '@tidegate/errors';
import { createLogger, createRegistry, LOGGER, requestContext, type Logger } from '@tidegate/telemetry';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import 'reflect-metadata';
import request from 'supertest';
import { z } from 'zod';
import { createHttpApp, type HttpApp } from './http-app';

const noteSchema = z.strictObject({
  title: z.string().max(10),
  lines: z.array(z.strictObject({ n: z.number() })).optional(),
});
const pageSchema = z.strictObject({ limit: z.coerce.number().int().max(100).default(20) });
/** What reached a handler. */
export const seen: unknown[] = [];

@Controller('notes')
@Require({ roles: ['customer'], resource: 'notes' })
class NotesController {
  constructor(@Inject(LOGGER) private readonly logger: Logger) {}

  @Get()
  list(@Query({ schema: pageSchema }) page: z.output<typeof pageSchema>, @Caller() caller: Principal) {
    this.logger.info('listed');
    return { items: [], limit: page.limit, caller: caller.subject };
  }

  @Get(':id')
  @ApiOkResponse({ standardSchema: noteSchema })
  read(@Param('id', { schema: z.string().regex(/^\d+$/) }) id: string) {
    return { id };
  }

  @Post()
  write(@Body({ schema: noteSchema }) note: z.output<typeof noteSchema>) {
    seen.push(note);
    return { context: requestContext.get(), note };
  }
}

@Controller('open')
@Public()
class OpenController {
  @Get('throw/:code')
  fail(@Param('code') code: string) {
    const known = errorCodes.find((name) => name === code);
    if (known === undefined) throw new Error(`secret of ${code}`);
    throw new AppError(known, 'Said to clients.', { cause: new Error('secret cause'), retryAfterMs: 1_200 });
  }

  @Get('slow')
  slow() {
    return new Promise((resolve) => setTimeout(resolve, 300));
  }

  @Post('echo')
  echo(@Body({ schema: z.unknown() }) body: unknown) {
    seen.push(body);
    return { body };
  }

  @Post('unchecked')
  unchecked(@Body() body: unknown) {
    seen.push(body);
  }
}

@Controller('forgotten')
class ForgottenController {
  @Get()
  list() {
    seen.push('forgotten');
  }
}

@Module({})
class TestModule {
  static with(issuer: string, more: DynamicModule[]): DynamicModule {
    return {
      module: TestModule,
      imports: [AuthModule.forRoot({ issuer, audience: 'tidegate', jwksUri: `${issuer}/jwks` }), ...more],
      controllers: [NotesController, OpenController, ForgottenController],
    };
  }
}

type Claims = Record<string, unknown>;

export interface Notes {
  app: HttpApp;
  port: number;
  /** Log lines. */
  lines: string[];
  client: () => ReturnType<typeof request>;
  token: (claims?: Claims) => Promise<string>;
  bearer: (claims?: Claims) => Promise<{ authorization: string }>;
  stop: () => Promise<void>;
}

/** An app with routes of every kind, and the issuer of its tokens. */
export async function startNotes(more: DynamicModule[] = []): Promise<Notes> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256' }];
  const issuer = createServer((_request, response) => response.end(JSON.stringify({ keys })));
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
  const iss = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}`;
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ service: 'test', level: 'trace', destination });
  const app = await createHttpApp(TestModule.with(iss, more), {
    logger,
    registry: createRegistry(),
    title: 'Notes',
    version: '3',
  });
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  const token = (claims: Claims = {}) =>
    new SignJWT({ iss, aud: 'tidegate', sub: '13', tenant: 'north', roles: ['customer'], ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'k' })
      .setExpirationTime('1h')
      .sign(privateKey);
  return {
    app,
    port,
    lines,
    token,
    client: () => request(`http://127.0.0.1:${port}`),
    bearer: async (claims) => ({ authorization: `Bearer ${await token(claims)}` }),
    stop: async () => {
      await app.close();
      issuer.close();
    },
  };
}

/** A last request that makes the server close the connection, so that nothing has to be waited for. */
export const last = 'GET /openapi.json HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

/** Sends bytes as they are, and gives the statuses and the text of all that comes back until the server closes. */
export function raw(
  port: number,
  chunks: string[],
  { end = false } = {},
): Promise<{ statuses: number[]; text: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (data) => (text += data.toString('latin1')));
    socket.on('error', reject);
    socket.on('close', () => {
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
      resolve({ statuses, text });
    });
    for (const chunk of chunks) socket.write(chunk);
    if (end) socket.end();
  });
}

export function expectProblem(response: request.Response, status: number, code: string): void {
  const type = 'application/problem+json; charset=utf-8';
  expect([response.status, response.headers['content-type']]).toEqual([status, type]);
  expect(response.body).toMatchObject({ status, code, requestId: response.headers['x-request-id'] });
}
