import { AppError } from '@tidegate/errors';
import { createLogger, Registry } from '@tidegate/telemetry';
import { setTimeout as sleep } from 'node:timers/promises';
import { Relay, type RelayDeps } from './relay';

interface StoredRow {
  id: string;
  topic: string;
  key: string;
  value: string;
}

/** The outbox' tables in memory, as far as the relay's own statements go. */
class MemoryOutbox {
  rows: StoredRow[] = [];
  /** What is left of the time in which a batch of another replica may be on its way. */
  foreignBusyMs = 0;
  lockedBySomebodyElse = false;
  lost = false;
  failNextDelete = false;
  private nextId = 1;

  add(...keys: string[]): void {
    for (const key of keys)
      this.rows.push({ id: String(this.nextId++), topic: 't', key, value: `${key}${this.nextId}` });
  }

  readonly open = (): Promise<never> => {
    this.lost = false;
    const session = { query: (text: string, values?: unknown[]) => this.query(text, values), close: async () => {} };
    return Promise.resolve(session as never);
  };

  private async query(text: string, values: unknown[] = []): Promise<{ rows: unknown[]; count: number }> {
    await sleep(1);
    if (this.lost) throw new AppError('unavailable', 'lost');
    if (text.includes('pg_try_advisory_lock')) return result([{ locked: !this.lockedBySomebodyElse }]);
    if (text.includes('holder <> $1')) return result([{ wait: this.foreignBusyMs }]);
    if (text.includes('DELETE')) this.remove(values[0] as string[]);
    if (text.includes('WITH batch')) return result(this.rows.slice(0, values[0] as number));
    return result([]);
  }

  private remove(ids: readonly string[]): void {
    if (this.failNextDelete) {
      this.failNextDelete = false;
      this.lost = true;
      throw new AppError('unavailable', 'lost');
    }
    this.rows = this.rows.filter(({ id }) => !ids.includes(id));
  }
}

function result(rows: unknown[]) {
  return { rows, count: rows.length };
}

interface Sent {
  key: string;
  value: string;
  atMs: number;
}

let relay: Relay;

function start(outbox: MemoryOutbox, accept: (sent: Sent) => Promise<void> = () => Promise.resolve()) {
  const sent: Sent[] = [];
  const send: RelayDeps['producer']['send'] = async ({ key, value }) => {
    const record = { key: String(key), value: String(value), atMs: performance.now() };
    sent.push(record);
    await accept(record);
    return { topic: 't', partition: 0, offset: '0' };
  };
  relay = new Relay(
    { postgres: { url: 'postgres://none' }, batchSize: 100, sendTimeoutMs: 1_000, pollMs: 10 },
    {
      producer: { send },
      logger: createLogger({ service: 'test', level: 'silent' }),
      registry: new Registry(),
      openSession: outbox.open,
    },
  );
  relay.start();
  return sent;
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('not within 5 s');
    await sleep(2);
  }
}

afterEach(() => relay.stop());

describe(Relay.name, () => {
  it('sends all rows in order and deletes them', async () => {
    const outbox = new MemoryOutbox();
    outbox.add(...Array.from({ length: 250 }, (_, index) => `k${index % 7}`));
    const values = outbox.rows.map(({ value }) => value);
    const sent = start(outbox);
    await until(() => outbox.rows.length === 0);
    expect(sent.map(({ value }) => value)).toEqual(values);
    expect(relay.check()).toEqual({ ok: true });
  });

  it('sends nothing while somebody else holds the lock, and takes over when it is free', async () => {
    const outbox = new MemoryOutbox();
    outbox.lockedBySomebodyElse = true;
    outbox.add('a');
    const sent = start(outbox);
    await sleep(50);
    expect([sent.length, relay.leading]).toEqual([0, false]);
    outbox.lockedBySomebodyElse = false;
    await until(() => outbox.rows.length === 0);
    expect(relay.leading).toBe(true);
  });

  it('waits until a batch of the one before cannot be on its way any more', async () => {
    const outbox = new MemoryOutbox();
    outbox.foreignBusyMs = 150;
    outbox.add('a');
    const startedAt = performance.now();
    const sent = start(outbox);
    await until(() => sent.length === 1);
    expect((sent[0]?.atMs ?? 0) - startedAt).toBeGreaterThanOrEqual(150);
  });

  it('sends a failed row again, and what stood behind it of the same key after it', async () => {
    const outbox = new MemoryOutbox();
    outbox.add('a', 'a', 'b', 'a');
    const [first] = outbox.rows;
    let refusals = 1;
    const sent = start(outbox, ({ value }) =>
      value === first?.value && refusals-- > 0
        ? Promise.reject(new AppError('unavailable', 'Kafka is away.'))
        : Promise.resolve(),
    );
    await until(() => sent.length === 4);
    await until(() => !relay.check().ok);
    expect(relay.check()).toEqual({ ok: false, reason: 'The outbox is not relayed: Kafka is away.' });
    await until(() => outbox.rows.length === 0);
    expect(sent.map(({ key }) => key)).toEqual(['a', 'a', 'b', 'a', 'a', 'a', 'a']);
    await until(() => relay.check().ok);
  });

  it('does not send again what Kafka has, when only the database forgot to delete it', async () => {
    const outbox = new MemoryOutbox();
    outbox.failNextDelete = true;
    outbox.add('a', 'b');
    const sent = start(outbox);
    await until(() => outbox.rows.length === 0);
    expect(sent).toHaveLength(2);
  });

  it('finishes the batch in hand when it stops', async () => {
    const outbox = new MemoryOutbox();
    outbox.add('a', 'b');
    const sent = start(outbox, () => sleep(50));
    await until(() => sent.length === 2);
    await relay.stop();
    expect(outbox.rows).toEqual([]);
  });
});
