import type { BenchmarkOptions } from '../harness/benchmark.ts';
import { playRounds, type Measured, type Report } from '../harness/rounds.ts';
import { compare, type Row } from '../harness/rows.ts';
import { Worker } from '../harness/worker.ts';
import type { BenchHouse, Served } from './bench-house.ts';
import { roles, type StreamName } from './catalog.ts';
import { centrifugo } from './centrifugo.ts';

interface Load {
  protocol: 'websocket' | 'sse';
  clients: number;
  rate: number;
  stream?: StreamName;
  roles?: string[];
}

type Play = (load: Load) => () => Promise<Report>;

const partitions = { one: 1, six: 6 } as const;
const rounds = 3;
const cores = { figure: 'cores', unit: 'cores', better: 'less' } as const;
const p50 = { figure: 'p50Ms', unit: 'ms, median', better: 'less' } as const;
const p99 = { figure: 'p99Ms', unit: 'ms, p99', better: 'less' } as const;
const deliveries = { figure: 'deliveriesPerSecond', unit: 'deliveries/s', better: 'more' } as const;
const perCpuSecond = { figure: 'deliveriesPerCpuSecond', unit: 'deliveries per CPU-s', better: 'more' } as const;

/** Every record to every client: how late, how many, and what it takes. */
export async function measureFanOut(house: BenchHouse, { quick, say }: BenchmarkOptions): Promise<Row[]> {
  const worker = await Worker.build('stream-fan-out');
  const times = quick ? { warmUpMs: 1_500, measureMs: 2_000 } : { warmUpMs: 2_000, measureMs: 4_000 };
  const run = (server: Served, door: object, { stream = 'one', ...load }: Load): Promise<Report> =>
    worker.run({
      ...{ roles: roles.policed, ...load, ...times, brokers: house.cluster.brokers, issuer: { ...house.issuer } },
      door: { protocol: load.protocol, port: server.port, path: '/', ready: '', ...door },
      ...{ topic: house.topics[stream], partitions: partitions[stream], serverPid: server.pid },
    });
  const web = await house.startWeb();
  const ours: Play = (load) => () => run(web, { path: `/streams/${load.stream ?? 'one'}`, ready: 'caught-up' }, load);
  const rival =
    (kind: string): Play =>
    (load) =>
    async () => {
      const gateway = await house.startGateway(kind);
      const report = await run(gateway, load.protocol === 'sse' ? { ready: 'caught-up' } : {}, load);
      await gateway.stop();
      return report;
    };
  const rows = [
    ...(await webSockets(ours, rival('frame-per-tick'), rival('frame-per-record'), say)),
    ...(await events(ours, rival('consumer-per-connection'), say)),
    ...(await policies(ours, say)),
  ];
  await web.stop();
  return rows;
}

async function webSockets(ours: Play, perTick: Play, perRecord: Play, say: (line: string) => void): Promise<Row[]> {
  const clients = { protocol: 'websocket', clients: 1_000 } as const;
  const measured = await playRounds(
    {
      'ours, 100/s': ours({ ...clients, rate: 100 }),
      'ours, 100/s, six partitions': ours({ ...clients, rate: 100, stream: 'six' }),
      'a frame a tick, 100/s': perTick({ ...clients, rate: 100 }),
      'a frame a record, 100/s': perRecord({ ...clients, rate: 100 }),
      'ours, 400/s': ours({ ...clients, rate: 400 }),
      'ours, 400/s, six partitions': ours({ ...clients, rate: 400, stream: 'six' }),
      'a frame a tick, 400/s': perTick({ ...clients, rate: 400 }),
    },
    { rounds, say },
  );
  const bare = 'bare ws and kafkajs, a frame a tick, no policy';
  const naive = 'bare ws and kafkajs, a frame a record, no policy';
  const work = (rate: number, six = false) =>
    `WebSocket, 1,000 clients × ${rate} records/s${six ? ', six partitions' : ''}`;
  const against = (rate: 100 | 400, six: boolean) => ({
    work: work(rate, six),
    ours: measured[`ours, ${rate}/s${six ? ', six partitions' : ''}`],
    rival: measured[`a frame a tick, ${rate}/s`],
    rivalName: bare,
  });
  const both = (rate: 100 | 400) => [against(rate, false), against(rate, true)];
  const published = (rate: 100 | 400, rival: Measured) => ({
    ...against(rate, false),
    rival,
    rivalName: centrifugo.name,
  });
  return [
    ...both(100).flatMap((sides) => [p50, p99, cores].map((figure) => compare({ ...sides, ...figure }))),
    ...[p99, cores].map((figure) =>
      compare({ ...against(100, false), ...figure, rival: measured['a frame a record, 100/s'], rivalName: naive }),
    ),
    ...[p50, p99, cores].map((figure) => compare({ ...published(100, centrifugo.webSocket100), ...figure })),
    ...both(400).flatMap((sides) => [deliveries, p99, cores].map((figure) => compare({ ...sides, ...figure }))),
    ...[deliveries, p99].map((figure) => compare({ ...published(400, centrifugo.webSocket400), ...figure })),
  ];
}

async function events(ours: Play, consumers: Play, say: (line: string) => void): Promise<Row[]> {
  const load = { protocol: 'sse', rate: 50 } as const;
  const measured = await playRounds(
    {
      'ours, SSE': ours({ ...load, clients: 1_000 }),
      // With 1,000 clients it does not even open them all.
      'a consumer a connection, 50 clients': consumers({ ...load, clients: 50 }),
    },
    { rounds, say },
  );
  const sides = {
    work: 'SSE, 1,000 clients × 50 records/s',
    ours: measured['ours, SSE'],
    rival: measured['a consumer a connection, 50 clients'],
    rivalName: 'a kafkajs consumer a connection, 50 clients, no policy',
  };
  return [
    compare({ ...sides, ...perCpuSecond }),
    compare({ ...sides, ...p99, rival: centrifugo.sse50, rivalName: centrifugo.name }),
  ];
}

async function policies(ours: Play, say: (line: string) => void): Promise<Row[]> {
  const load = { protocol: 'websocket', clients: 1_000, rate: 400 } as const;
  const measured = await playRounds(
    {
      'no filter, no masks': ours({ ...load, roles: roles.plain }),
      'ten views': ours({ ...load, roles: roles.views }),
    },
    { rounds, say },
  );
  const sides = {
    work: 'a row filter and three masks in ten views, 1,000 × 400',
    ours: measured['ten views'],
    rival: measured['no filter, no masks'],
    rivalName: 'itself without filter and masks, one view',
  };
  return [deliveries, perCpuSecond].map((figure) => compare({ ...sides, ...figure }));
}
