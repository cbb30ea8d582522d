import { expectProblem, raw, seen, startNotes, type Notes } from './notes-fixture';

let notes: Notes;

beforeAll(async () => {
  notes = await startNotes();
});
afterAll(() => notes.stop());
beforeEach(() => {
  seen.length = 0;
  notes.lines.length = 0;
});

const client = () => notes.client();
const bearer = (claims?: Record<string, unknown>) => notes.bearer(claims);

describe('bad input', () => {
  const post = async (body: string, type = 'application/json') =>
    client()
      .post('/notes')
      .set(await bearer())
      .set('content-type', type)
      .send(body);

  it('with unknown fields is refused by their names', async () => {
    const response = await post('{"title":"a","colour":1,"lines":[{"n":1,"m":2}],"size":3}');
    expectProblem(response, 400, 'invalid_argument');
    expect((response.body as { errors: unknown }).errors).toEqual([
      { pointer: '/lines/0/m', detail: 'Unknown field; remove it.' },
      { pointer: '/colour', detail: 'Unknown field; remove it.' },
      { pointer: '/size', detail: 'Unknown field; remove it.' },
    ]);
  });

  it('is told by JSON pointer, in body, query and path', async () => {
    const body = await post('{"title":"far too long for it"}');
    expect(body.body).toMatchObject({ detail: 'The body has invalid input.', errors: [{ pointer: '/title' }] });
    const query = await client()
      .get('/notes?limit=101&page=2')
      .set(await bearer());
    expectProblem(query, 400, 'invalid_argument');
    expect(query.body).toMatchObject({ errors: [{ pointer: '/limit' }, { pointer: '/page' }] });
    const path = await client()
      .get('/notes/abc')
      .set(await bearer());
    expect(path.body).toMatchObject({ detail: 'The path has invalid input.', errors: [{ pointer: '/id' }] });
  });

  it.each([
    ['no JSON', '{"title":', 'malformed'],
    ['nothing', '', 'malformed'],
    ['a prototype', '{"title":"a","__proto__":{"admin":true}}', 'invalid_argument'],
    ['a prototype in escapes', '{"title":"a","\\u005f_proto__":{"admin":true}}', 'invalid_argument'],
    ['a constructor', '{"title":"a","constructor":{"prototype":{"admin":true}}}', 'invalid_argument'],
    ['a field twice', '{"title":"a","title":"b"}', 'invalid_argument'],
    ['a deep value', `{"title":${'['.repeat(21)}${']'.repeat(21)}}`, 'invalid_argument'],
    ['an array', '[]', 'invalid_argument'],
    ['null', 'null', 'invalid_argument'],
  ])('that is %s is refused', async (_what, body, code) => {
    expectProblem(await post(body), 400, code);
    expect(seen).toEqual([]);
  });

  it('of another type, charset or encoding is refused', async () => {
    for (const type of [
      'text/plain',
      'application/xml',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=a',
    ]) {
      expectProblem(await post('{"title":"a"}', type), 415, 'unsupported_media_type');
    }
    expectProblem(await post('{"title":"a"}', 'application/json; charset=utf-16'), 415, 'unsupported_media_type');
    for (const encoding of ['gzip', 'deflate', 'br', 'gzip, gzip']) {
      for (const path of ['/notes', '/nothing']) {
        const response = await client()
          .post(path)
          .set('content-encoding', encoding)
          .set('content-type', 'application/json')
          .send('{}');
        expectProblem(response, 415, 'unsupported_media_type');
      }
    }
    expect((await post('{"title":"a"}', 'application/json; charset=UTF-8')).status).toBe(201);
  });

  it('without a schema at its handler never reaches it', async () => {
    expectProblem(await client().post('/open/unchecked').send({ a: 1 }), 500, 'internal');
    expect(seen).toEqual([]);
  });

  it('on unknown paths and methods is a problem with what is allowed', async () => {
    expectProblem(await client().get('/nothing?token=hunter2'), 404, 'not_found');
    const wrong = await client()
      .delete('/notes')
      .set(await bearer());
    expectProblem(wrong, 405, 'method_not_allowed');
    expect(wrong.headers['allow']).toBe('GET, HEAD, POST');
    expect((await client().options('/notes/1')).headers['allow']).toBe('GET, HEAD');
    expect(notes.lines.join('')).not.toContain('hunter2');
  });

  it('in the URL or the headers is a problem too', async () => {
    expectProblem(
      await client()
        .get('/notes/%zz')
        .set(await bearer()),
      400,
      'malformed',
    );
    const longId = await client()
      .get(`/notes/${'1'.repeat(600)}`)
      .set(await bearer());
    expect([longId.status, longId.body]).toEqual([413, expect.objectContaining({ code: 'too_large' })]);
    const overflow = await raw(notes.port, [`GET /notes HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(17_000)}\r\n\r\n`]);
    expect(overflow.statuses).toEqual([431]);
    expect(overflow.text).toContain('application/problem+json');
    expect(overflow.text).toContain('"code":"too_large"');
    for (const bytes of [
      'nonsense\r\n\r\n',
      'GET / HTTP/1.1\r\nConnection: close\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\nHost : b\r\n\r\n',
      '\x16\x03\x01\x00\xa5',
    ]) {
      const answer = await raw(notes.port, [bytes]);
      expect([bytes, answer.statuses]).toEqual([bytes, [400]]);
      expect(answer.text).toContain('application/problem+json');
    }
  });
});
