import { topics, type JsonObject } from '@tidegate/contracts';
import type { Producer } from '@tidegate/kafka';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bff } from './support/house';
import { until } from './support/kafka-bench';
import { SseClient } from './support/sse-client';
import { at, frame, readPage, StreamHouse } from './support/stream-house';
import { StreamReader } from './support/stream-reader';
import { WebSocketClient } from './support/websocket-client';

const compacted = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.01', 'segment.ms': '100' };

/** What every kind of client has heard. */
interface Heard {
  readonly rows: readonly JsonObject[];
  readonly gaps: readonly string[];
  readonly errors: readonly string[];
}

// Topics that change under clients of every door, on a real broker; what they resume on has never read the topic before.
describe('a topic behind the doors of web', () => {
  let house: StreamHouse;
  let web: Bff;
  let producer: Producer;
  let operator: string;
  const closing: (() => void)[] = [];

  beforeAll(async () => {
    // Compacted as soon as there is something to compact: the default is every 15 s.
    house = await StreamHouse.start({ properties: { 'log.cleaner.backoff.ms': 100 } });
    web = await house.startWeb('web');
    operator = await house.issuer.token('operator', 'north');
  }, 120_000);

  beforeEach(() => {
    // One that has never known the topic as it was before.
    producer = house.bench.producer();
  });

  afterEach(() => {
    for (const close of closing.splice(0)) close();
  });

  afterAll(() => house.stop());

  const ws = (bff: Bff, stream: string): string => `${bff.url.replace('http', 'ws')}/streams/${stream}`;

  const follow = async (bff: Bff, stream: string, token: string, after?: string): Promise<WebSocketClient> => {
    const client = await WebSocketClient.open(ws(bff, stream), token, after === undefined ? {} : { after });
    closing.push(() => client.close());
    return client;
  };

  /** One client of each kind, all of them live. */
  const followers = async (stream: string, token: string): Promise<[WebSocketClient, SseClient, StreamReader]> => {
    let caughtUp = false;
    const reader = new StreamReader(web.url, stream, {
      ...{ transport: 'auto', token: () => token },
      onCaughtUp: () => (caughtUp = true),
    });
    const events = await SseClient.open(`${web.url}/streams/${stream}`, token);
    closing.push(
      () => reader.close(),
      () => events.cut(),
    );
    await reader.until(() => caughtUp, 'live');
    return [await follow(web, stream, token), events, reader];
  };

  const measured = ({ rows }: Pick<Heard, 'rows'>, device: string): unknown[] =>
    rows.filter(({ deviceId }) => deviceId === device).map(({ v }) => v);

  /** The end of the log after them. */
  const measure = async (device: string, ...numbers: number[]): Promise<number> => {
    let end = 0;
    for (const n of numbers) {
      const value = JSON.stringify(frame('north', device, [n]));
      const { offset } = await producer.send({ topic: topics.telemetry, key: `north/${device}`, value });
      end = Number(offset) + 1;
    }
    return end;
  };

  const untilAll = (what: string, all: readonly Heard[], holds: (heard: Heard) => boolean): Promise<void> =>
    until(what, () => all.every(holds), 40_000);

  it('that is deleted is said to be unavailable, and goes on after a gap when it is made again', async () => {
    const all = await followers('telemetry', operator);
    const other = await follow(web, 'orders', await house.issuer.token('support', 'north'));
    await measure('deleted', 1, 2);
    await untilAll('the first rows are there', all, (heard) => measured(heard, 'deleted').length === 2);
    const [{ cursor = '' }] = all;
    await house.bench.deleteTopic(topics.telemetry);
    await untilAll('all are told', all, ({ errors }) => errors.length > 0);
    expect(all.map(({ errors }) => errors)).toEqual([['unavailable'], ['unavailable'], ['unavailable']]);
    const page = await readPage(web, 'telemetry', operator, `after=${cursor}`);
    expect([page.status, page.body.code, Number(page.retryAfter)]).toEqual([503, 'unavailable', 2]);
    expect(await WebSocketClient.refusal(ws(web, 'telemetry'), operator)).toEqual({ status: 503, retryAfter: '2' });
    await expect(SseClient.open(`${web.url}/streams/telemetry`, operator)).rejects.toThrow('503');
    const checks = await health(web);
    expect(checks['streams']).toEqual({ ok: false, required: false, reason: 'iot.telemetry: the topic was deleted' });
    await house.send(topics.orders, 'undisturbed', order('undisturbed'));
    await other.untilRows('orderId', ['undisturbed']);

    await house.bench.createTopic(topics.telemetry, 2);
    await measure('deleted', 3, 4);
    await untilAll('the new rows are there', all, (heard) => measured(heard, 'deleted').length === 4);
    const resumed = await follow(await house.startWeb('after-delete'), 'telemetry', operator, cursor);
    expect([...all, resumed].map(({ gaps }) => gaps)).toEqual(Array(4).fill(['recreated']));
    expect(all.map((heard) => measured(heard, 'deleted'))).toEqual(Array(3).fill([1, 2, 3, 4]));
    expect(measured(resumed, 'deleted')).toEqual([3, 4]);
    expect((await health(web))['streams']).toMatchObject({ ok: true });
    expect(other.gaps).toEqual([]);
  });

  it('that grows shows all of its new partitions, live and to who comes back', async () => {
    const all = await followers('telemetry', operator);
    const [{ cursor = '' }] = all;
    await house.bench.admin.createPartitions({ topicPartitions: [{ topic: topics.telemetry, count: 6 }] });
    const devices = Array.from({ length: 30 }, (_, n) => `grown-${n}`);
    const value = (deviceId: string, v: number) => JSON.stringify(frame('north', deviceId, [v]));
    const placements = await Promise.all(
      devices.map((device) => producer.send({ topic: topics.telemetry, key: device, value: value(device, 1) })),
    );
    expect(new Set(placements.map(({ partition }) => partition)).size).toBeGreaterThan(3);
    const seen = ({ rows }: Pick<Heard, 'rows'>): unknown[] =>
      rows.flatMap(({ deviceId }) => (devices.includes(deviceId as string) ? [deviceId] : [])).sort();
    await untilAll('all rows are there', all, (heard) => seen(heard).length >= 30);
    const resumed = await follow(await house.startWeb('after-growth'), 'telemetry', operator, cursor);
    for (const heard of [...all, resumed]) expect([seen(heard), heard.gaps]).toEqual([[...devices].sort(), []]);
  });

  it('that is made again at once, and smaller, is followed after a gap', async () => {
    const all = await followers('telemetry', operator);
    await measure('again', 1, 2, 3);
    await untilAll('the first rows are there', all, (heard) => measured(heard, 'again').length === 3);
    const [{ cursor = '' }] = all;
    await house.bench.deleteTopic(topics.telemetry);
    await house.bench.createTopic(topics.telemetry, 1);
    producer = house.bench.producer();
    await measure('again', 4, 5, 6, 7);
    await untilAll('the new rows are there', all, (heard) => measured(heard, 'again').length >= 7);
    const page = await readPage(web, 'telemetry', operator, `after=${cursor}`);
    expect([page.body.gap, measured({ rows: page.body.records }, 'again')]).toEqual([
      { reason: 'recreated' },
      [4, 5, 6, 7],
    ]);
    for (const heard of all) {
      expect([measured(heard, 'again'), heard.gaps]).toEqual([[1, 2, 3, 4, 5, 6, 7], ['recreated']]);
    }
  });

  it('that loses its oldest records says so to who comes back, and to nobody who had them', async () => {
    const all = await followers('telemetry', operator);
    const [{ cursor = '' }] = all;
    const end = await measure('old', 1, 2, 3, 4, 5);
    await untilAll('the rows are there', all, (heard) => measured(heard, 'old').length === 5);
    await house.bench.deleteBefore(topics.telemetry, end - 2);
    const late = await house.startWeb('after-retention');
    const page = await readPage(late, 'telemetry', operator, `after=${cursor}`);
    expect([page.body.gap, measured({ rows: page.body.records }, 'old')]).toEqual([{ reason: 'retention' }, [4, 5]]);
    const resumed = await follow(late, 'telemetry', operator, cursor);
    expect(resumed.frames.map(({ t }) => t).slice(1, 3)).toEqual(['gap', 'rows']);
    expect([resumed.gaps, measured(resumed, 'old')]).toEqual([['retention'], [4, 5]]);
    const oldest = await readPage(late, 'telemetry', operator, 'from=earliest');
    expect([oldest.body.gap, measured({ rows: oldest.body.records }, 'old')]).toEqual([null, [4, 5]]);
    await measure('old', 6);
    await untilAll('the next row is there', [...all, resumed], (heard) => measured(heard, 'old').includes(6));
    for (const { gaps } of all) expect(gaps).toEqual([]);
  });

  it('shows what was committed only, and says a gap for what was lost behind an open transaction', async () => {
    const all = await followers('telemetry', operator);
    const [{ cursor: before = '' }] = all;
    const transactional = house.bench.kafka.producer({
      transactionalId: 't',
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await transactional.connect();
    closing.push(() => void transactional.disconnect());
    const send = async (transaction: Awaited<ReturnType<typeof transactional.transaction>>, ...numbers: number[]) => {
      const messages = numbers.map((n) => ({ key: 'north/tx', value: JSON.stringify(frame('north', 'tx', [n])) }));
      await transaction.send({ topic: topics.telemetry, messages });
    };
    const aborted = await transactional.transaction();
    await send(aborted, 666, 667);
    await aborted.abort();
    const committed = await transactional.transaction();
    await send(committed, 1, 2);
    await committed.commit();
    const open = await transactional.transaction();
    await send(open, 668);
    const end = await measure('tx', 3);
    await untilAll('what was committed is there', all, (heard) => measured(heard, 'tx').length === 2);
    await sleep(300);
    const page = await readPage(web, 'telemetry', operator, `after=${before}`);
    expect(measured({ rows: page.body.records }, 'tx')).toEqual([1, 2]);
    expect(all.map(({ gaps }) => gaps)).toEqual([[], [], []]);
    await house.bench.deleteBefore(topics.telemetry, end);
    await untilAll('the gap is said', all, ({ gaps }) => gaps.length > 0);
    await open.abort();
    await measure('tx', 4);
    await untilAll('what comes after is there', all, (heard) => measured(heard, 'tx').includes(4));
    for (const heard of all) expect([measured(heard, 'tx'), heard.gaps]).toEqual([[1, 2, 4], ['retention']]);
  });

  it('that is compacted has holes, which are no gaps', async () => {
    await house.bench.createTopic(topics.accounts, 1, compacted);
    const support = await house.issuer.token('support', 'north');
    const put = (accountId: string, balance: number) => {
      const value = JSON.stringify({ ...account, accountId, balance });
      return producer.send({ topic: topics.accounts, key: accountId, value });
    };
    for (let round = 0; round < 10; round++) await Promise.all(['a', 'b', 'c'].map((id) => put(id, round)));
    const early = (await readPage(web, 'accounts', support, 'from=earliest&limit=2')).body;
    await producer.send({ topic: topics.accounts, key: 'c', value: null });
    const late = await house.startWeb('after-compaction');
    let ticks = 0;
    const balances = async (start: string): Promise<unknown[]> => {
      const { records, gap } = (await readPage(late, 'accounts', support, `${start}&limit=1000`)).body;
      expect(gap).toBeNull();
      return records.flatMap(({ accountId, balance }) =>
        accountId === 'tick' ? [] : [`${accountId as string}${balance as number}`],
      );
    };
    await until('only what is newest is left', async () => {
      // The newest segment is never compacted, and a new one begins with a record only.
      await put('tick', ++ticks);
      return (await balances('from=earliest')).length < 3;
    });
    for (const start of ['from=earliest', `after=${early.cursor}`]) expect(await balances(start)).toEqual(['a9', 'b9']);
    const resumed = await follow(late, 'accounts', support, early.cursor);
    const events = await SseClient.open(`${late.url}/streams/accounts?from=earliest`, support);
    closing.push(() => events.cut());
    for (const { rows, gaps } of [resumed, events]) {
      expect(gaps).toEqual([]);
      expect(rows.filter(({ accountId }) => accountId !== 'tick')).toMatchObject([
        { accountId: 'a', balance: 9 },
        { accountId: 'b', balance: 9 },
      ]);
    }
    await put('d', 10);
    await untilAll('the next row is there', [resumed, events], ({ rows }) => rows.at(-1)?.['accountId'] === 'd');
  });
});

const account = { customerId: '13', tenantId: 'north', segment: 'retail', currency: 'USD', updatedAt: at };

function order(orderId: string): object {
  const what = { total: 12.5, currency: 'EUR', storeId: '1', lines: [], internalNotes: '' };
  return { orderId, customerId: '13', tenantId: 'north', status: 'placed', placedAt: at, updatedAt: at, ...what };
}

async function health({ opsUrl }: Bff): Promise<Record<string, object>> {
  const response = await fetch(`${opsUrl}/readyz`);
  return ((await response.json()) as { checks: Record<string, object> }).checks;
}
