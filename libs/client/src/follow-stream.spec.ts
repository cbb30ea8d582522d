import { parseJson, stringifyJson } from '@tidegate/contracts';
import { CuttingProxy, LoopbackDoors } from './doors-fixture';
import { followStream, type Following } from './follow-stream';
import type { FollowOptions, StreamState } from './options';

jest.setTimeout(30_000);

type Row = Record<string, unknown>;

let doors: LoopbackDoors;
let open: Following[];

beforeEach(async () => {
  doors = await LoopbackDoors.open();
  open = [];
});
afterEach(() => {
  for (const following of open) following.close();
  doors.close();
});

/** A reader that remembers what it was told. */
class Reader {
  readonly rows: Row[] = [];
  readonly told: unknown[][] = [];
  readonly states: StreamState[] = [];
  tokens = 0;
  readonly following: Following;

  constructor(options: Partial<FollowOptions<Row>> = {}) {
    this.following = followStream<Row>({
      url: `http://127.0.0.1:${doors.port}/`,
      stream: 'orders',
      token: () => `token-${++this.tokens}`,
      from: 'earliest',
      firstPauseMs: 1,
      onRows: (rows) => this.rows.push(...rows),
      onGone: (...gone) => this.told.push(['gone', ...gone]),
      onGap: (...gap) => this.told.push(['gap', ...gap]),
      onCaughtUp: (cursor) => this.told.push(['caught-up', cursor]),
      onRefused: ({ code }) => this.told.push(['refused', code]),
      onState: (state) => this.states.push(state),
      ...options,
    });
    open.push(this.following);
  }

  get numbers(): unknown[] {
    return this.rows.map(({ n }) => n);
  }

  get end(): { code?: string } | undefined {
    const last = this.states.at(-1);
    return last?.state === 'closed' ? { ...(last.error && { code: last.error.code }) } : undefined;
  }

  get waited(): number[] {
    return this.states.flatMap((state) => (state.state === 'waiting' ? [state.forMs] : []));
  }

  caughtUp(times = 1): Promise<void> {
    return until(() => this.told.filter(([what]) => what === 'caught-up').length >= times);
  }
}

async function until(condition: () => boolean): Promise<void> {
  for (const untilMs = Date.now() + 15_000; !condition();) {
    if (Date.now() > untilMs) throw new Error('waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

const transports = ['websocket', 'sse'] as const;
const hurriedMs = 1_000;

/** Whatever would be waited for longer than it takes to notice that a server is silent. */
function hurry(): jest.SpyInstance {
  const set = setTimeout;
  const hurried = (work: () => void, ms = 0) => set(work, ms >= 20_000 && ms <= 45_000 ? hurriedMs : ms);
  return jest.spyOn(globalThis, 'setTimeout').mockImplementation(hurried);
}

/** Random numbers that a seed gives again. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 0x7fffffff) / 0x7fffffff;
}

describe.each(transports)('followStream() over %s', (transport) => {
  it('asks for the stream as told, and gives rows, each with the cursor after it', async () => {
    const cursors: string[] = [];
    const wish = { mode: 'latest', where: 'row.n > 0', sub: 'till', delivery: 'at-most-once' } as const;
    const reader = new Reader({ transport, ...wish, onRows: (_rows, cursor) => cursors.push(cursor) });
    await reader.caughtUp();
    expect(cursors).toEqual(['c1', 'c2', 'c3']);
    expect(reader.following.cursor).toBe('c3');
    expect(doors.last).toMatchObject({ transport, token: 'token-1', start: { from: 'earliest', ...wish } });
    expect(reader.states).toEqual([{ state: 'connecting' }, { state: 'open', transport }]);
  });

  it('goes on from the last cursor with a fresh token, and nothing comes twice', async () => {
    const reader = new Reader({ transport });
    await reader.caughtUp();
    doors.last.cut();
    doors.rows = 5;
    await reader.caughtUp(2);
    expect(doors.last).toMatchObject({ token: 'token-2', start: { after: 'c3' } });
    expect(doors.last.start.from).toBeUndefined();
    expect(reader.numbers).toEqual([1, 2, 3, 4, 5]);
  });

  it('loses nothing and gives nothing twice wherever the connection is cut', async () => {
    const probe = await CuttingProxy.open(doors.port, () => Infinity);
    const whole = new Reader({ transport, url: `http://127.0.0.1:${probe.port}` });
    await whole.caughtUp();
    whole.following.close();
    probe.close();
    const follow = async (cutAfter: number): Promise<unknown[]> => {
      const cuts = [cutAfter];
      const proxy = await CuttingProxy.open(doors.port, () => cuts.shift() ?? Infinity);
      const reader = new Reader({ transport, url: `http://127.0.0.1:${proxy.port}` });
      await until(() => reader.following.cursor === 'c3' && reader.told.length > 0);
      reader.following.close();
      proxy.close();
      return reader.numbers;
    };
    expect(probe.passed).toBeGreaterThan(300);
    for (let at = 1; at <= probe.passed; at += 8) {
      const cuts = Array.from({ length: 8 }, (_, n) => at + n);
      for (const numbers of await Promise.all(cuts.map(follow))) expect(numbers).toEqual([1, 2, 3]);
    }
  }, 120_000);

  it('loses nothing and gives nothing twice however often it is cut', async () => {
    doors.rows = 200;
    const random = seeded(7);
    let cuts = 0;
    const bytes = () => 1 + Math.floor(random() * 2_500) * Math.min(1, cuts++ % 4);
    const proxy = await CuttingProxy.open(doors.port, bytes);
    const reader = new Reader({ transport, url: `http://127.0.0.1:${proxy.port}`, longestPauseMs: 2 });
    await until(() => reader.following.cursor === 'c200');
    proxy.close();
    expect(reader.numbers).toEqual(Array.from({ length: 200 }, (_, n) => n + 1));
    expect(cuts).toBeGreaterThan(8);
  });

  it('ends with an error when the token is not accepted', async () => {
    doors.answers.push([401, { code: 'unauthenticated', detail: 'A valid access token is needed.' }]);
    const reader = new Reader({ transport });
    await until(() => reader.end !== undefined);
    expect(reader.end).toEqual({ code: 'unauthenticated' });
    expect(doors.asked).toHaveLength(1);
  });

  it('waits as long as the server asks while it is not available', async () => {
    doors.answers.push(
      [503, { code: 'unavailable' }, { 'retry-after': '0' }],
      [500, {}],
      [429, {}, { 'retry-after': '0' }],
    );
    const reader = new Reader({ transport, firstPauseMs: 40 });
    await reader.caughtUp();
    expect(reader.waited).toEqual([0, expect.any(Number), 0]);
    expect(reader.waited[1]).toBeGreaterThanOrEqual(20);
  });

  it.each([
    ['7', 7_000, 10_500],
    ['9999999999', 2 ** 31 - 1, 2 ** 31 - 1],
    ['-7', 20, 40],
    ['soon', 20, 40],
  ])('waits after Retry-After: %s for that long and some more, or as by itself', async (asked, least, most) => {
    doors.answers.push([503, { code: 'unavailable' }, { 'retry-after': asked }]);
    const reader = new Reader({ transport, firstPauseMs: 40 });
    await until(() => reader.waited.length > 0);
    reader.following.close();
    expect(reader.waited[0]).toBeGreaterThanOrEqual(least);
    expect(reader.waited[0]).toBeLessThanOrEqual(most);
  });

  it('comes back when its request is not answered', async () => {
    const hurried = hurry();
    doors.deaf = true;
    const reader = new Reader({ transport });
    await until(() => reader.waited.length > 0);
    doors.deaf = false;
    hurried.mockRestore();
    await reader.caughtUp();
    expect(reader.states).toContainEqual(expect.objectContaining({ reason: 'The server fell silent.' }));
  });

  it('comes back without a fresh token at hand', async () => {
    let failures = 2;
    const token = () => (failures-- > 0 ? Promise.reject(new Error('The issuer is away.')) : 'late');
    const reader = new Reader({ transport, token });
    await reader.caughtUp();
    expect(doors.last.token).toBe('late');
    expect(reader.states).toContainEqual(expect.objectContaining({ state: 'waiting', reason: 'The issuer is away.' }));
  });

  it('ends when a callback throws, before the cursor passes what it did not take', async () => {
    const onRows = (rows: Row[]): void => {
      if (rows[0]?.['n'] === 2) throw new Error('no room');
    };
    const reader = new Reader({ transport, onRows });
    await until(() => reader.end !== undefined);
    expect([reader.end, reader.following.cursor]).toEqual([{ code: 'callback' }, 'c1']);
    expect(doors.visits).toHaveLength(1);
  });

  it('tells nobody anything once it is closed', async () => {
    const reader = new Reader({ transport, onRows: () => reader.following.close() });
    await until(() => reader.end !== undefined);
    doors.last.say(
      transport === 'sse' ? 'event: rows\nid: c9\ndata: [{}]\n\n' : { t: 'rows', s: 'orders', c: 'c9', r: [{}] },
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([reader.told, reader.end, reader.following.cursor]).toEqual([[], {}, 'c1']);
    expect(doors.visits).toHaveLength(1);
  });

  it('keeps every digit with a parser that does', async () => {
    doors.silent = true;
    const reader = new Reader({ transport, parse: parseJson });
    await until(() => doors.visits.length === 1);
    const rows = '[{"total":1.10,"big":9007199254740993}]';
    const event = `event: rows\nid: c1\ndata: ${rows}\n\n`;
    doors.last.say(transport === 'sse' ? event : `{"t":"rows","s":"orders","c":"c1","r":${rows}}`);
    await until(() => reader.rows.length > 0);
    expect(stringifyJson(reader.rows)).toBe(rows);
  });

  it('stays where nothing can be had for a while, and says so', async () => {
    const reader = new Reader({ transport });
    await reader.caughtUp();
    const error = { code: 'unavailable', detail: 'The stream cannot be read at the moment.' };
    const event = `event: error\ndata: ${JSON.stringify(error)}\n\nevent: cursor\nid: c4\ndata: {}\n\n`;
    doors.last.say(transport === 'sse' ? event : { t: 'error', ...error, s: 'orders' });
    if (transport === 'websocket') doors.last.say({ t: 'rows', s: 'orders', c: 'c4', r: [] });
    await until(() => reader.following.cursor === 'c4');
    expect([reader.told.at(-1), reader.waited]).toEqual([['refused', 'unavailable'], []]);
  });

  it('moves the position that the server keeps', async () => {
    const reader = new Reader({ transport, sub: 'till' });
    await reader.caughtUp();
    await reader.following.ack();
    await reader.following.ack('c2');
    await until(() => doors.posted.length + doors.heard.filter(({ t }) => t === 'ack').length === 2);
    if (transport === 'sse') expect(doors.posted).toEqual(['c3', 'c2'].map((cursor) => ({ sub: 'till', cursor })));
    else expect(doors.heard.slice(1)).toEqual(['c3', 'c2'].map((c) => ({ t: 'ack', s: 'orders', c })));
    await expect(new Reader({ transport }).following.ack('c1')).rejects.toMatchObject({ code: 'unprocessable' });
  });
});

describe('followStream() over websocket', () => {
  const transport = 'websocket';

  it('says gone, gaps and caught up, and passes over frames that it does not know', async () => {
    const reader = new Reader({ transport });
    await reader.caughtUp();
    doors.last.say({ t: 'gone', s: 'orders', c: 'c4', k: [['7']] });
    doors.last.say({ t: 'weather', sunny: true });
    doors.last.say({ t: 'gap', s: 'orders', c: 'c5', reason: 'retention' });
    doors.last.say({ t: 'rows', s: 'orders', c: 'c6', r: [] });
    await until(() => reader.following.cursor === 'c6');
    expect(reader.told.slice(1)).toEqual([
      ['gone', [['7']], 'c4'],
      ['gap', 'retention', 'c5'],
    ]);
    expect(reader.rows).toHaveLength(3);
  });

  it('sends a fresh token when the old one expires, not at every notice', async () => {
    const reader = new Reader({ transport });
    await reader.caughtUp();
    const notices = 5;
    for (let n = 0; n < notices; n++) doors.last.say({ t: 'expiring', inSeconds: 60 });
    await until(() => doors.heard.length === 2);
    for (let n = 0; n < notices; n++) doors.last.say({ t: 'expiring', inSeconds: 60 });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(doors.heard.slice(1)).toEqual([{ t: 'auth', token: 'token-2' }]);
  });

  it('stays when a fresh token is refused, and comes back with another at once when the old one has ended', async () => {
    const reader = new Reader({ transport });
    await reader.caughtUp();
    doors.last.say({ t: 'error', code: 'unauthenticated', detail: 'A valid access token is needed.' });
    doors.last.say({ t: 'bye', code: 'token_expired', retryMs: 5_000 });
    doors.last.close(4401);
    await reader.caughtUp(2);
    expect(reader.told[1]).toEqual(['refused', 'unauthenticated']);
    expect(reader.waited).toEqual([0]);
  });

  it.each([
    [4400, 'bad_message'],
    [4403, 'access_withdrawn'],
    [4409, 'taken'],
    [1009, 'too_large'],
  ])('ends with an error when it is closed with %d', async (close, code) => {
    const reader = new Reader({ transport });
    await reader.caughtUp();
    doors.last.close(close);
    await until(() => reader.end !== undefined);
    expect(reader.end).toEqual({ code });
  });

  it.each([
    [1012, 'restart'],
    [4408, 'too_slow'],
    [4429, 'limit'],
  ])('comes back when the server says after it was closed with %d', async (close, code) => {
    const reader = new Reader({ transport });
    await reader.caughtUp();
    doors.last.say({ t: 'bye', code, retryMs: 7 });
    doors.last.close(close);
    await reader.caughtUp(2);
    expect(reader.waited).toEqual([7]);
  });

  it.each(['not_found', 'invalid_cursor', 'foreign_cursor', 'mode_not_offered', 'invalid_argument'])(
    'ends with the error when the stream is refused with %s',
    async (code) => {
      doors.silent = true;
      const reader = new Reader({ transport });
      await until(() => doors.visits.length === 1);
      doors.last.say({ t: 'error', code, detail: 'No.', s: 'orders' });
      await until(() => reader.end !== undefined);
      expect(reader.end).toEqual({ code });
    },
  );

  it('comes back when the stream cannot be had at the moment', async () => {
    doors.silent = true;
    const reader = new Reader({ transport });
    await until(() => doors.visits.length === 1);
    doors.silent = false;
    doors.last.say({ t: 'error', code: 'warming', detail: 'Not yet.', s: 'orders' });
    await reader.caughtUp();
    expect(reader.numbers).toEqual([1, 2, 3]);
  });

  it('comes back when the server falls silent', async () => {
    doors.silent = true;
    doors.heartbeatSeconds = 0.02;
    const reader = new Reader({ transport });
    await until(() => doors.visits.length === 1);
    doors.silent = false;
    doors.heartbeatSeconds = 25;
    await reader.caughtUp();
    expect(reader.states).toContainEqual(expect.objectContaining({ reason: 'The server fell silent.' }));
  });

  it('waits longer each time that nothing comes of it, and never as long as others', async () => {
    doors.answers.push(...Array.from({ length: 6 }, (): [number, object] => [500, {}]));
    const reader = new Reader({ transport, firstPauseMs: 4, longestPauseMs: 32 });
    await reader.caughtUp();
    const most = [4, 8, 16, 32, 32, 32];
    for (const [n, waited] of reader.waited.entries()) {
      expect(waited).toBeLessThanOrEqual(most[n] ?? 0);
      expect(waited).toBeGreaterThanOrEqual((most[n] ?? 0) / 2);
    }
    expect(new Set(reader.waited).size).toBe(6);
  });
});

describe('followStream() over sse', () => {
  it('stays as long as anything is heard, and comes back when the server falls silent', async () => {
    const hurried = hurry();
    const reader = new Reader({ transport: 'sse' });
    await reader.caughtUp();
    for (let n = 0; n < 6; n++) {
      doors.last.say(':\n\n');
      await new Promise((resolve) => setTimeout(resolve, hurriedMs / 4));
    }
    expect(reader.waited).toEqual([]);
    await reader.caughtUp(2);
    hurried.mockRestore();
    expect(doors.last.start).toEqual({ after: 'c3' });
    expect(reader.states).toContainEqual(expect.objectContaining({ reason: 'The server fell silent.' }));
  });

  it.each([
    [404, 'not_found'],
    [400, 'invalid_cursor'],
    [403, 'foreign_cursor'],
  ])('ends with the problem when it is answered %d', async (status, code) => {
    doors.answers.push([status, { code, detail: 'No.' }]);
    const reader = new Reader({ transport: 'sse' });
    await until(() => reader.end !== undefined);
    expect(reader.end).toEqual({ code });
  });

  it('says gone and gaps, takes cursors, and passes over comments and events that it does not know', async () => {
    const reader = new Reader({ transport: 'sse' });
    await reader.caughtUp();
    doors.last.say('event: gone\nid: c4\ndata: [["7"]]\n\n:\n\nevent: weather\ndata: {}\n\n');
    doors.last.say('event: gap\nid: c5\ndata: {"reason":"retention"}\n\n');
    doors.last.say('event: expiring\ndata: {"inSeconds":60}\n\nevent: cursor\nid: c6\ndata: {}\n\n');
    await until(() => reader.following.cursor === 'c6');
    expect(reader.told.slice(1)).toEqual([
      ['gone', [['7']], 'c4'],
      ['gap', 'retention', 'c5'],
    ]);
  });

  it.each([
    ['restart', 7],
    ['token_expired', 0],
  ])('comes back after a goodbye for %s', async (code, waits) => {
    const reader = new Reader({ transport: 'sse' });
    await reader.caughtUp();
    doors.last.say(`event: bye\ndata: {"code":"${code}","retryMs":7}\n\n`);
    await reader.caughtUp(2);
    expect(reader.waited).toEqual([waits]);
  });

  it.each(['access_withdrawn', 'taken'])('ends after a goodbye for %s', async (code) => {
    const reader = new Reader({ transport: 'sse' });
    await reader.caughtUp();
    doors.last.say(`event: bye\ndata: {"code":"${code}","retryMs":7}\n\n`);
    await until(() => reader.end !== undefined);
    expect(reader.end).toEqual({ code });
  });
});

describe('followStream() over whatever there is', () => {
  it('takes events where no WebSocket comes through, and tries one again later', async () => {
    doors.refuseWebSockets = true;
    const reader = new Reader();
    await reader.caughtUp();
    expect(doors.last.transport).toBe('sse');
    doors.refuseWebSockets = false;
    doors.last.cut();
    await reader.caughtUp(2);
    expect(doors.last).toMatchObject({ transport: 'websocket', start: { after: 'c3' } });
  });

  it('takes events while no ticket can be had', async () => {
    doors.answers.push([503, { code: 'unavailable' }, { 'retry-after': '0' }]);
    const reader = new Reader();
    await reader.caughtUp();
    expect(doors.last.transport).toBe('sse');
    expect(reader.numbers).toEqual([1, 2, 3]);
  });

  it('ends while it waits, and while it connects', async () => {
    const [waiting, connecting] = [new Reader({ url: 'http://127.0.0.1:1', firstPauseMs: 60_000 }), new Reader()];
    connecting.following.close();
    await until(() => waiting.waited.length > 0);
    waiting.following.close();
    expect([waiting.end, connecting.end]).toEqual([{}, {}]);
  });
});
