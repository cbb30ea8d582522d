import {
  Controller,
  Get,
  Module,
  Options,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type Type,
} from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { SkipThrottle, Throttle, ThrottlerGuard } from '@nestjs/throttler';
import { Public, Require } from '@tidegate/auth';
import { createLogger, createRegistry, TelemetryModule } from '@tidegate/telemetry';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Limits } from './limits.decorator';
import { LiveLimits } from './live-limits';
import type { RateLimitOptions } from './options';
import { RateLimitModule } from './ratelimit.module';

const folder = mkdtempSync(path.join(tmpdir(), 'tidegate-limits-'));
const limitsFile = path.join(folder, 'limits.yaml');
writeFileSync(
  limitsFile,
  `limits:
  callers: { per: subject, max: 3, window: 1m }
  addresses: { per: ip, rate: 1/m, burst: 2 }
  patient: { per: ip, rate: 1/s, burst: 1, queue: { maxWaitMs: 2000, maxWaiting: 1 } }
`,
);

/** Stands where authentication stands: the caller is who the header says. */
class HeaderGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<{ headers: Record<string, string>; user?: object }>();
    const { subject } = request.headers;
    if (subject !== undefined) request.user = { subject, tenant: 'north', roles: [], expiresAtMs: 0, claims: {} };
    return true;
  }
}

@Controller()
@Public()
class Things {
  @Get('default') byDefault(): string {
    return 'ok';
  }
  @Options('default') options(): string {
    return 'ok';
  }
  @Get('free') @Limits() free(): string {
    return 'ok';
  }
  @Get('both') @Limits('callers', 'addresses') both(): string {
    return 'ok';
  }
  @Get('patient') @Limits('patient') patient(): string {
    return 'ok';
  }
  @Get('skipped') @SkipThrottle({ callers: true }) skipped(): string {
    return 'ok';
  }
  @Get('required') @Require() required(): string {
    return 'ok';
  }
  @Get('stock')
  @Limits()
  @UseGuards(ThrottlerGuard)
  @SkipThrottle({ addresses: true, patient: true })
  @Throttle({ callers: { limit: 1, ttl: 60_000 } })
  stock(): string {
    return 'ok';
  }
}

@Controller()
class Misspelt {
  @Get('x') @Limits('nobody') x(): string {
    return 'ok';
  }
}

const running: NestFastifyApplication[] = [];

async function open(
  options: Partial<RateLimitOptions> = {},
  controllers: Type[] = [Things],
): Promise<NestFastifyApplication> {
  @Module({ providers: [{ provide: APP_GUARD, useClass: HeaderGuard }] })
  class AuthModule {}
  @Module({
    imports: [
      TelemetryModule.forRoot({
        logger: createLogger({ service: 'test', level: 'silent' }),
        registry: createRegistry(),
      }),
      AuthModule,
      RateLimitModule.forRoot({ app: 'test', limitsFile, defaults: ['callers'], ...options }),
    ],
    controllers,
  })
  class App {}
  const app = await NestFactory.create<NestFastifyApplication>(App, new FastifyAdapter(), {
    logger: false,
    abortOnError: false,
  });
  running.push(app);
  return app.init();
}

interface Answer {
  statusCode: number;
  headers: Record<string, unknown>;
}

const asked = async (app: NestFastifyApplication, url: string, headers: Record<string, string> = {}): Promise<Answer> =>
  app.inject({ method: 'GET', url, headers });

/** Refusals are AppErrors, which the filter of `@tidegate/http` turns into 429; here they stay 500. */
const statuses = async (
  app: NestFastifyApplication,
  url: string,
  callers: Record<string, string>[],
): Promise<number[]> => {
  const answers: number[] = [];
  for (const headers of callers) answers.push((await asked(app, url, headers)).statusCode);
  return answers;
};

afterEach(async () => {
  for (const app of running.splice(0)) await app.close();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe(RateLimitModule.name, () => {
  it('counts by the default limit, each caller on its own, and says how it stands', async () => {
    const app = await open();
    const one = { subject: '13' };
    const { headers } = await asked(app, '/default', one);
    expect(headers).toMatchObject({ 'ratelimit-policy': '"callers";q=3;w=60' });
    expect(headers['ratelimit']).toMatch(/^"callers";r=2;t=6[01]$/);
    expect(await statuses(app, '/default', [one, one, one])).toEqual([200, 200, 500]);
    expect(await statuses(app, '/default', [{ subject: '14' }, {}])).toEqual([200, 200]);
  });

  it('counts against every limit that a route names, or none', async () => {
    const app = await open();
    const { headers } = await asked(app, '/both', { subject: '13' });
    expect(headers).toMatchObject({
      'ratelimit-policy': '"callers";q=3;w=60, "addresses";q=2;w=120',
      ratelimit: expect.stringMatching(/^"callers";r=2;t=\d+, "addresses";r=1;t=60$/) as string,
    });
    expect(await statuses(app, '/both', [{ subject: '14' }, { subject: '15' }])).toEqual([200, 500]);
    // The one that the address stopped has not been charged.
    expect((await asked(app, '/default', { subject: '15' })).headers['ratelimit']).toContain('r=2');
  });

  it('leaves out what names no limit, what is skipped, and OPTIONS', async () => {
    const app = await open();
    for (const url of ['/free', '/skipped']) {
      expect(await statuses(app, url, [{}, {}, {}, {}, {}])).toEqual([200, 200, 200, 200, 200]);
      expect((await asked(app, url)).headers).not.toHaveProperty('ratelimit');
    }
    for (let count = 0; count < 5; count += 1) {
      expect((await app.inject({ method: 'OPTIONS', url: '/default' })).statusCode).toBe(200);
    }
    expect((await asked(app, '/default')).headers['ratelimit']).toContain('r=2');
  });

  it('takes the address from the proxies that it was told of, and from nobody else', async () => {
    const spoofed = [1, 2, 3, 4].map((n) => ({ 'x-forwarded-for': `203.0.113.${n}` }));
    expect(await statuses(await open(), '/default', spoofed)).toEqual([200, 200, 200, 500]);
    const behind = await open({ trustedProxies: ['127.0.0.0/8'] });
    expect(await statuses(behind, '/default', spoofed)).toEqual([200, 200, 200, 200]);
  });

  it('lets a request wait for its turn, and frees it when its client leaves', async () => {
    const app = await open();
    await app.listen(0, '127.0.0.1');
    const url = `${await app.getUrl()}/patient`;
    expect((await fetch(url)).status).toBe(200);
    const leaving = new AbortController();
    const left = fetch(url, { signal: leaving.signal });
    left.catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await fetch(url)).status).toBe(500);
    leaving.abort();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const startedAt = performance.now();
    expect((await fetch(url)).status).toBe(200);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  it('follows its file, but for changes that are broken or drop a limit that routes name', async () => {
    const own = path.join(folder, 'own.yaml');
    const write = (text: string) => writeFileSync(own, `limits:\n${text}`);
    const others = '  addresses: { per: ip, rate: 1/m, burst: 2 }\n  patient: { per: ip, rate: 1/s, burst: 1 }\n';
    write(`  callers: { per: subject, max: 3, window: 1m }\n${others}`);
    const app = await open({ limitsFile: own });
    const limits = app.get(LiveLimits);
    const policyAfter = async (text: string) => {
      write(text);
      // Twice the same is a change; one more, since its own look may come between.
      for (let n = 0; n < 3; n++) await limits.look();
      return (await asked(app, '/default', { subject: '13' })).headers['ratelimit-policy'];
    };
    expect(await policyAfter(`  callers: { per: subject, max: 5, window: 1m }\n${others}`)).toBe('"callers";q=5;w=60');
    expect(await policyAfter(`  callers: { per: subject, rate: 1/s, burst: 9 }\n${others}`)).toBe('"callers";q=9;w=9');
    expect(await policyAfter(`  callers: { per: subject, max: 0, window: 1m }\n${others}`)).toBe('"callers";q=9;w=9');
    expect(limits.health.check()).toMatchObject({ ok: false });
    expect(await policyAfter(others)).toBe('"callers";q=9;w=9');
    const reason = expect.stringContaining(':1:1 limits.callers: is gone, but what runs counts against it') as string;
    expect(limits.health.check()).toMatchObject({ ok: false, reason });
  });

  it('counts for the throttler’s own guard and decorators', async () => {
    const app = await open();
    expect(await statuses(app, '/stock', [{}, {}])).toEqual([200, 429]);
  });

  it('refuses everybody when it stands before authentication', async () => {
    expect(await statuses(await open(), '/required', [{}, { subject: '13' }])).toEqual([500, 200]);
  });

  it('does not start with a limit that is named and not defined', async () => {
    await expect(open({ defaults: ['nothing'] }, [Things, Misspelt])).rejects.toMatchObject({
      code: 'invalid_catalog',
      message:
        'RateLimitModule names the limit "nothing"; there are callers, addresses, patient\n' +
        'Misspelt.x names the limit "nobody"; there are callers, addresses, patient',
    });
  });

  it('does not start with a proxy that is none', () => {
    expect(() => RateLimitModule.forRoot({ app: 'test', limitsFile, trustedProxies: ['proxy'] })).toThrow(/subnets/);
  });
});
