import type { BenchmarkOptions } from '../harness/benchmark.ts';
import { playRounds, type Report } from '../harness/rounds.ts';
import { compare, type Row } from '../harness/rows.ts';
import { Worker } from '../harness/worker.ts';
import type { BenchHouse, Served } from './bench-house.ts';
import { roles } from './catalog.ts';
import { centrifugo } from './centrifugo.ts';

const steps = [1_000, 5_000];

/** What a connection holds of memory that is authenticated, follows a stream, and gets nothing. */
export async function measureIdle(house: BenchHouse, { quick, say }: BenchmarkOptions): Promise<Row[]> {
  const worker = await Worker.build('stream-idle');
  const run = async (server: Served, door: object): Promise<Report> => {
    const report = await worker.run({
      door: { port: server.port, path: '/', ready: '', ...door },
      ...{ warmUp: 300, steps, settleMs: quick ? 2_000 : 5_000, role: roles.policed[0], issuer: { ...house.issuer } },
      serverPid: server.pid,
    });
    await server.stop();
    return report;
  };
  const ours = (protocol: 'websocket' | 'sse', flags?: string[]) => async () =>
    run(await house.startWeb(flags), { protocol, path: '/streams/one', ready: 'caught-up' });
  const bare = async () => run(await house.startGateway('frame-per-tick'), { protocol: 'websocket' });
  const sides = { websocket: ours('websocket'), unset: ours('websocket', []), sse: ours('sse'), bare };
  const measured = await playRounds(sides, { rounds: 1, say });
  return steps.flatMap((count) => {
    const clients = count.toLocaleString('en');
    const figure = { figure: `kib${count}`, unit: 'KiB a connection', better: 'less' } as const;
    const webSocket = { work: `memory of ${clients} idle WebSockets`, ours: measured.websocket, ...figure };
    const published = { rival: centrifugo.idle, rivalFigure: 'kib', rivalName: centrifugo.name };
    return [
      compare({ ...webSocket, rival: measured.bare, rivalName: 'bare ws, nobody authenticated' }),
      compare({ ...webSocket, rival: measured.unset, rivalName: 'itself without flags for Node' }),
      compare({ ...webSocket, ...published }),
      compare({ work: `memory of ${clients} idle SSE streams`, ours: measured.sse, ...figure, ...published }),
    ];
  });
}
