import fc from 'fast-check';
import { createLogger, type LoggerOptions } from './logger';
import { NestLogger } from './nest-logger';
import { redact } from './redact';
import { requestContext } from './request-context';

const jwt = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxMyJ9.c2lnbmF0dXJl';

function recorded(level: LoggerOptions['level'] = 'trace') {
  const lines: string[] = [];
  const logger = createLogger({ service: 'mobile', level, destination: { write: (line) => void lines.push(line) } });
  return { logger, lines, last: () => JSON.parse(lines.at(-1) ?? '{}') as Record<string, unknown> };
}

describe(createLogger.name, () => {
  it('writes one JSON line with service, level and time', () => {
    const { logger, last } = recorded();
    logger.info({ topic: 'shop.orders' }, 'tail opened');
    expect(last()).toMatchObject({ service: 'mobile', level: 'info', topic: 'shop.orders', msg: 'tail opened' });
    expect(last()['time']).toMatch(/^\d{4}-\d\d-\d\dT/);
  });

  it('adds the request context to each line, also what is learned later', async () => {
    const { logger, last } = recorded();
    await requestContext.run({ requestId: 'r1' }, async () => {
      await Promise.resolve();
      Object.assign(requestContext.get() ?? {}, { tenant: 'north' });
      logger.info('inside');
    });
    expect(last()).toMatchObject({ requestId: 'r1', tenant: 'north' });
    logger.info('outside');
    expect(last()).not.toHaveProperty('requestId');
  });

  it('writes an error with its causes and none of what clients hang onto it', () => {
    const { logger, last, lines } = recorded();
    const cause = Object.assign(new Error('ECONNREFUSED'), { code: 'ECONNREFUSED', config: { pass: 'hunter2' } });
    logger.error({ err: new Error('no answer', { cause }) }, 'failed');
    expect(last()['err']).toMatchObject({
      message: 'no answer',
      cause: { message: 'ECONNREFUSED', code: 'ECONNREFUSED' },
    });
    expect(lines.join('')).not.toContain('hunter2');
  });

  it.each([
    ['a header', { req: { headers: { Authorization: `Bearer ${jwt}` } } }],
    ['a deep header', { a: { b: { c: { d: { e: { 'x-api-key': 'hunter2' } } } } } }],
    ['cookies', { headers: { cookie: 'sid=hunter2', 'set-cookie': ['a=hunter2', 'b=hunter2'] } }],
    ['a token field', { access_token: 'hunter2', refreshToken: 'hunter2', clientSecret: 'hun"ter2' }],
    ['a bearer value in text', { note: `sent Bearer hunter2hunter2` }],
    ['a JWT in an error', { err: new Error(`bad token ${jwt}`) }],
    ['JSON inside of text', { body: '{"password":"hunter2"}' }],
    ['a query', { url: '/orders?access_token=hunter2&limit=1' }],
    ['a URL with a password', { url: 'redis://user:hunter2@10.0.0.1:6379/0' }],
    ['an API key', { key: 'tg_live_abc_hunter2_crc' }],
  ])('keeps the secret of %s out of the line', (_what, fields) => {
    const { logger, lines, last } = recorded();
    logger.child({ token: 'hunter2' }).info(fields, 'said');
    expect(lines.join('')).not.toMatch(/hunter2|eyJhbG/);
    expect(last()['msg']).toBe('said');
  });

  it('leaves JSON intact whatever is logged', () => {
    const { logger, last } = recorded();
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), (value, text) => {
        logger.info({ value, authorization: text, nested: JSON.stringify({ token: text }) }, text);
        expect(last()['service']).toBe('mobile');
        expect(last()['authorization']).toBe('[redacted]');
      }),
    );
  });

  it('does not touch what is no secret', () => {
    const line = '{"ticketCount":3,"tokens":5,"url":"http://a/b?limit=1","msg":"bearer of basic things"}\n';
    expect(redact(line)).toBe(line);
  });
});

describe(NestLogger.name, () => {
  it('keeps level, context and stack, and puts the chatter of the start at debug', () => {
    const { logger, last } = recorded();
    const nest = new NestLogger(logger);
    nest.log('Mapped {/orders, GET}', 'RouterExplorer');
    expect(last()).toMatchObject({ level: 'debug', context: 'RouterExplorer', msg: 'Mapped {/orders, GET}' });
    nest.error('broken', 'Error: at x', 'Injector');
    expect(last()).toMatchObject({ level: 'error', context: 'Injector', stack: 'Error: at x' });
    nest.error(new Error('thrown'));
    expect(last()).toMatchObject({ level: 'error', err: { message: 'thrown' } });
  });
});
