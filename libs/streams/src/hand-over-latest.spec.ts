import { parseJson, type JsonObject } from '@tidegate/contracts';
import { setTimeout as sleep } from 'node:timers/promises';
import { chaos, seeded, type Random } from './chaos-fixture';
import { Screen } from './latest-fixture';
import { MemoryLog } from './memory-log';
import type { SessionSink } from './session-sink';
import { caller, order, replica, topic, world, type World } from './stream-fixture';
import type { Session, StreamHub } from './stream-hub';

/**
 * Last values are handed over from the log to a table, from the table to a snapshot, from there to live changes, and to
 * conflated ones and back where a reader is slow. So: hundreds of rounds, each with delays of its own, few entities that
 * change, leave views and are deleted all the while, topics that are made again, tiny batches and histories, readers that stall, whose roles change, and
 * that are cut after any frame and come back on either of two replicas. In the end each shows exactly what it may see.
 */
const rounds = 200;
const ids = Array.from({ length: 12 }, (_, n) => `o${n}`);
const statuses = ['placed', 'paid', 'shipped'];

/** Stops hearing after some frames, as a connection does that is cut. */
class CutScreen extends Screen {
  frames = 0;
  cutAfter = Infinity;

  get isCut(): boolean {
    return this.frames >= this.cutAfter;
  }

  override rows(...args: Parameters<SessionSink['rows']>): void {
    if (this.frames++ < this.cutAfter) super.rows(...args);
  }
  override gone(...args: Parameters<SessionSink['gone']>): void {
    if (this.frames++ < this.cutAfter) super.gone(...args);
  }
  override gap(...args: Parameters<SessionSink['gap']>): void {
    if (this.frames++ < this.cutAfter) super.gap(...args);
  }
  override caughtUp(cursor: string): void {
    if (this.frames++ < this.cutAfter) super.caughtUp(cursor);
  }
  override cursor(cursor: string): void {
    if (!this.isCut) super.cursor(cursor);
  }
}

interface Written {
  /** By entity, the row that it is at last. */
  last: Map<string, JsonObject | undefined>;
  /** Every row that there ever was. */
  all: JsonObject[];
}

interface Reader {
  where: string | undefined;
  roles: string[];
}

function sees({ where, roles }: Reader, row: JsonObject): boolean {
  const visible = roles.includes('support') || row['customerId'] === '13';
  return visible && (where === undefined || row['status'] === 'placed');
}

async function write({ log }: World, partitions: number, random: Random): Promise<Written> {
  const written: Written = { last: new Map(), all: [] };
  const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)] as T;
  const madeAgainAt = random() < 0.3 ? Math.floor(random() * 150) : -1;
  for (let n = 0; n < 150; n++) {
    if (n === madeAgainAt) {
      log.recreate(topic, partitions);
      written.last.clear();
    }
    const id = pick(ids);
    const partition = ids.indexOf(id) % partitions;
    if (random() < 0.1) log.appendHole(topic, partition);
    if (random() < 0.2) {
      log.append(topic, { key: id, value: null }, partition);
      written.last.set(id, undefined);
    } else {
      const over = { customerId: random() < 0.7 ? '13' : '15', status: pick(statuses), total: n };
      const text = order(id, over);
      log.append(topic, { key: id, value: text }, partition);
      const row = parseJson(text) as JsonObject;
      written.last.set(id, row);
      written.all.push(row);
    }
    if (random() < 0.3) await chaos(random)();
  }
  return written;
}

async function stall(screen: Screen, random: Random): Promise<void> {
  await sleep(random() * 20);
  screen.buffered = 1e6;
  await sleep(random() * 15);
  screen.buffered = 0;
}

/** Follows with cuts until the last cut, then returns what is shown from then on. */
async function follow(
  hubs: StreamHub[],
  reader: Reader,
  random: Random,
): Promise<{ screen: Screen; session: Session }> {
  const { where } = reader;
  let after: string | undefined;
  let former: Screen | undefined;
  for (let left = Math.floor(random() * 5); ; left--) {
    const screen: CutScreen = new CutScreen();
    // What it shows stays when the connection goes.
    for (const [id, row] of former?.rowsById ?? []) screen.rowsById.set(id, row);
    screen.cutAfter = left > 0 ? 1 + Math.floor(random() * 12) : Infinity;
    const hub = hubs[Math.floor(random() * hubs.length)] as StreamHub;
    const start = {
      mode: 'latest' as const,
      ...(after !== undefined && { after }),
      ...(where !== undefined && { where }),
    };
    const session = await hub.subscribe(caller('13', { roles: reader.roles }), 'orders', start, screen);
    void stall(screen, random);
    if (left <= 0) return { screen, session };
    for (const untilMs = Date.now() + 30 * random(); !screen.isCut && Date.now() < untilMs;) await sleep(1);
    session.close();
    after = screen.lastCursor === '' ? after : screen.lastCursor;
    former = screen;
  }
}

async function round(seed: number): Promise<void> {
  const random = seeded(seed);
  const partitions = 1 + Math.floor(random() * 3);
  const limits = {
    ringRecords: 1 + Math.floor(random() * 30),
    rangeReadBytes: 1 + Math.floor(random() * 3_000),
    batchBytes: 1 + Math.floor(random() * 1_500),
    warmingWaitMs: 20_000,
    maxBlockedMs: 60_000,
  };
  const stream = { latest: { maxKeys: 1_000, maxBytes: 20_000 + random() * 500_000 } };
  const all = world({ log: new MemoryLog(chaos(random)), partitions, limits, stream });
  const other = replica(all, limits, stream);
  const readers: Reader[] = [
    { where: undefined, roles: ['customer'] },
    { where: 'row.status == "placed"', roles: ['customer'] },
    { where: random() < 0.5 ? undefined : 'row.status == "placed"', roles: ['support'] },
  ];
  const [written, ...followed] = await Promise.all([
    write(all, partitions, random),
    ...readers.map((reader) => follow([all.hub, other], reader, random)),
  ]);
  // The last one loses a role while changes may still be on their way.
  followed[2]?.session.updatePrincipal(caller('13'));
  const [, , demoted] = readers;
  if (demoted !== undefined) demoted.roles = ['customer'];
  for (const [index, { screen }] of followed.entries()) {
    const reader = readers[index] as Reader;
    const wanted = [...written.last.values()].filter((row) => row !== undefined && sees(reader, row));
    const text = textOf(wanted);
    const shown = () => textOf([...screen.rowsById.values()]);
    await screen
      .until(() => shown() === text)
      .catch((cause: unknown) => {
        throw new Error(`seed ${seed}, reader ${index}: shows ${shown()}, wanted ${text}`, { cause });
      });
    expectNoHint(screen, index === 2 ? { ...reader, roles: ['support'] } : reader, written, seed);
  }
  await Promise.all([all.hub.close(), other.close()]);
}

function textOf(rows: readonly (JsonObject | undefined)[]): string {
  return JSON.stringify(rows.map((row) => JSON.stringify([row?.['orderId'], row?.['total']])).sort());
}

/** Nobody hears of an entity that was never theirs to see, not even that it is gone. */
function expectNoHint(screen: Screen, reader: Reader, { all }: Written, seed: number): void {
  const theirs = new Set(all.filter((row) => sees(reader, row)).map((row) => row['orderId']));
  for (const { keys } of screen.of('gone')) {
    for (const [id] of JSON.parse(keys) as string[][]) {
      if (!theirs.has(id ?? '')) throw new Error(`seed ${seed}: told of ${id}, which it never saw`);
    }
  }
}

describe('the hand-over from last values to changes', () => {
  it(`shows each reader exactly what it may see at last in ${rounds} rounds, and hints at nothing else`, async () => {
    const atOnce = 50;
    for (let first = 0; first < rounds; first += atOnce) {
      await Promise.all(Array.from({ length: atOnce }, (_, n) => round(first + n)));
    }
  }, 120_000);
});
