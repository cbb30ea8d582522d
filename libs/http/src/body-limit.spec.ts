import { expectProblem, last, raw, seen, startNotes, type Notes } from './notes-fixture';

let notes: Notes;

beforeAll(async () => {
  notes = await startNotes();
});
afterAll(() => notes.stop());
beforeEach(() => {
  seen.length = 0;
  notes.lines.length = 0;
});

describe('a body', () => {
  const limit = 64 * 1024;
  const json = (bytes: number) => `"${'a'.repeat(bytes - 2)}"`;
  const inner = 'GET /notes HTTP/1.1\r\nHost: inner\r\n\r\n';
  const head = (...headers: string[]) =>
    ['POST /open/echo HTTP/1.1', 'Host: a', 'Content-Type: application/json', ...headers, '', ''].join('\r\n');
  const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
  const post = (body: string) => notes.client().post('/open/echo').set('content-type', 'application/json').send(body);
  const statuses = async (...chunks: string[]) => (await raw(notes.port, chunks)).statuses;

  it('is taken up to the limit and not beyond', async () => {
    expect((await post(json(limit))).status).toBe(201);
    expectProblem(await post(json(limit + 1)), 413, 'too_large');
    expectProblem(await post(json(4_000_000)), 413, 'too_large');
  });

  it('in chunks is taken up to the limit and not beyond', async () => {
    const chunked = (bytes: number) => [head('Transfer-Encoding: chunked'), chunk(json(bytes)), '0\r\n\r\n', last];
    expect(await statuses(...chunked(limit))).toEqual([201, 200]);
    expect(await statuses(...chunked(limit + 1))).toEqual([413, 200]);
  });

  it('beyond the limit is answered once, its tail is never a request, and the connection stays good', async () => {
    const body = json(limit) + inner;
    expect(await statuses(head(`Content-Length: ${body.length}`), body, last)).toEqual([413, 200]);
    expect(seen).toEqual([]);
  });

  it('beyond the limit in chunks is answered once, and its tail is never a request', async () => {
    const chunks = [chunk(json(limit)), chunk('a'.repeat(limit)), chunk(inner), '0\r\n\r\n'];
    expect(await statuses(head('Transfer-Encoding: chunked'), ...chunks, last)).toEqual([413, 200]);
    expect(seen).toEqual([]);
  });

  it('that nobody reads is no request either', async () => {
    const body = `${inner}${'a'.repeat(30_000)}`;
    const unread = (target: string, type: string) =>
      [`${target} HTTP/1.1`, 'Host: a', `Content-Type: ${type}`, `Content-Length: ${body.length}`, '', body].join(
        '\r\n',
      );
    expect(await statuses(unread('GET /openapi.json', 'application/json'), last)).toEqual([200, 200]);
    expect(await statuses(unread('POST /nothing', 'text/plain'), last)).toEqual([404, 200]);
    expect(await statuses(unread('POST /open/echo', 'text/plain'), last)).toEqual([415, 200]);
  });

  it('larger than what is read away ends the connection', async () => {
    expect(await statuses(head(`Content-Length: ${9 * 1024 * 1024}`))).toEqual([413]);
    const endless = Array.from({ length: 20 }, () => chunk('a'.repeat(500_000)));
    const answer = await raw(notes.port, [head('Transfer-Encoding: chunked'), ...endless]).catch(() => undefined);
    expect([undefined, 413]).toContain(answer?.statuses[0]);
    expect(seen).toEqual([]);
  });

  it.each([
    ['two lengths', ['Content-Length: 2', 'Content-Length: 40']],
    ['a length and chunks', ['Content-Length: 4', 'Transfer-Encoding: chunked']],
    ['an unknown transfer encoding', ['Transfer-Encoding: xchunked']],
    ['a length that is no number', ['Content-Length: 2x']],
  ])('with %s is refused, and the connection ends', async (_what, headers) => {
    expect(await statuses(head(...headers), '0\r\n\r\n', inner)).toEqual([400]);
    expect(seen).toEqual([]);
  });

  it('that ends early produces nothing, and is no failure of ours', async () => {
    for (const part of [
      `${head('Transfer-Encoding: chunked')}5\r\n{"a":\r\n`,
      `${head('Content-Length: 100')}{"a":1}`,
    ]) {
      expect((await raw(notes.port, [part], { end: true })).statuses).toEqual([400]);
    }
    expect(seen).toEqual([]);
    expect(notes.lines.join('')).not.toMatch(/"level":"error"/);
  });
});
