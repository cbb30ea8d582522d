import { setTimeout as sleep } from 'node:timers/promises';
import { chaos, seeded, type Random } from './chaos-fixture';
import { MemoryLog } from './memory-log';
import { caller, HeardSink, order, replica, topic, world, type World } from './stream-fixture';
import type { StreamHub } from './stream-hub';

/**
 * Rows that come between reading the history and going live are the ones that get lost, or arrive twice. So:
 * hundreds of rounds, each with its own delays in every read and every tail, appends all the while, small rings and
 * small reads, readers that stall, and readers that are cut and resume on either of two replicas.
 */
const rounds = 300;

/** Some records are others' and some places are holes, so that offsets say nothing about what a reader should see. */
async function produce({ log }: World, partitions: number, random: Random): Promise<string[]> {
  const mine: string[] = [];
  for (let n = 0; n < 60; n++) {
    const partition = Math.floor(random() * partitions);
    const dice = random();
    if (dice < 0.15) log.appendHole(topic, partition);
    else if (dice < 0.35) log.append(topic, { value: order(`x${n}`, { customerId: '15' }) }, partition);
    else {
      mine.push(`${partition}/${n}`);
      log.append(topic, { value: order(`${partition}/${n}`) }, partition);
    }
    if (random() < 0.4) await chaos(random)();
  }
  return mine;
}

/** Stops taking anything for a while, most likely when it is live. */
async function stall(sink: HeardSink, random: Random): Promise<void> {
  await sleep(random() * 30);
  sink.buffered = 1e6;
  await sleep(random() * 10);
  sink.buffered = 0;
}

/** Reads until `enough`, being cut and resuming on any replica on the way. */
async function read(hubs: StreamHub[], random: Random, enough: (ids: string[]) => boolean): Promise<string[]> {
  const ids: string[] = [];
  let start: { after?: string; from?: string } = { from: 'earliest' };
  for (;;) {
    const sink = new HeardSink();
    const hub = hubs[Math.floor(random() * hubs.length)] as StreamHub;
    const session = await hub.subscribe(caller(), 'orders', start, sink);
    const cutAfter = 1 + Math.floor(random() * 30);
    if (random() < 0.5) void stall(sink, random);
    await sink.until(() => sink.ids.length >= cutAfter || enough([...ids, ...sink.ids]));
    session.close();
    expect(sink.of('gap')).toEqual([]);
    ids.push(...sink.ids);
    if (enough(ids)) return ids;
    start = { after: sink.lastCursor };
  }
}

function byPartition(ids: readonly string[]): Record<string, string[]> {
  const parts: Record<string, string[]> = {};
  for (const id of ids) (parts[id.split('/')[0] ?? ''] ??= []).push(id);
  return parts;
}

async function round(seed: number): Promise<void> {
  const random = seeded(seed);
  const partitions = 1 + Math.floor(random() * 4);
  const limits = {
    ringRecords: 1 + Math.floor(random() * 30),
    rangeReadBytes: 1 + Math.floor(random() * 3_000),
    // The clocks are not what is tried here, and this machine may be busy.
    maxBlockedMs: 60_000,
    maxLagMs: 60_000,
  };
  const stream = { resume: { maxScanned: 200_000, maxMs: 60_000 } };
  const all = world({ log: new MemoryLog(chaos(random)), partitions, limits, stream });
  const other = replica(all, limits, stream);
  let produced: string[] | undefined;
  const producing = produce(all, partitions, random).then((mine) => {
    produced = mine;
    // Whoever has everything already is waiting for a row that will not come.
    all.log.append(topic, { value: order(`0/end`) });
    mine.push('0/end');
  });
  const readers = Array.from({ length: 2 }, () =>
    read([all.hub, other], random, (ids) => produced !== undefined && ids.length >= produced.length),
  );
  const [, ...got] = await Promise.all([producing, ...readers]);
  for (const ids of got) {
    const seen = byPartition(ids);
    const wanted = byPartition(produced ?? []);
    if (JSON.stringify(Object.entries(seen).sort()) !== JSON.stringify(Object.entries(wanted).sort())) {
      throw new Error(`seed ${seed}: got ${JSON.stringify(seen)}, wanted ${JSON.stringify(wanted)}`);
    }
  }
  await Promise.all([all.hub.close(), other.close()]);
}

describe('the hand-over from replay to live', () => {
  it(`neither loses nor doubles a row and keeps each partition's order in ${rounds} rounds`, async () => {
    const atOnce = 50;
    for (let first = 0; first < rounds; first += atOnce) {
      await Promise.all(Array.from({ length: atOnce }, (_, n) => round(first + n)));
    }
  }, 120_000);
});
