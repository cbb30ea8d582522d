import { setTimeout as sleep } from 'node:timers/promises';
import { tokensFor, type TokenIssuer } from './bearer-tokens';
import { doJob, type Report } from './job';
import { cpuSecondsOf, residentKibOf } from './process-usage';
import { openAll, StreamSocket, type Door } from './stream-socket';

interface IdleJob {
  door: Omit<Door, 'token'>;
  /** Opened and closed before anything is measured, so that code and caches are there. */
  warmUp: number;
  /** How many are open, one after another. */
  steps: number[];
  settleMs: number;
  role: string;
  issuer: TokenIssuer;
  serverPid: number;
}

/** What a connection that nothing happens on holds of the server's memory. */
async function measure({ door, warmUp, steps, settleMs, role, issuer, serverPid }: IdleJob): Promise<Report> {
  const most = Math.max(...steps);
  const tokens = await tokensFor(warmUp + most, [role], issuer);
  const open = async (count: number) => {
    const sockets = tokens
      .splice(0, count)
      .map((token) => new StreamSocket({ ...door, token }, ({ length }) => length));
    await openAll(sockets);
    return sockets;
  };
  for (const socket of await open(warmUp)) socket.end();
  await sleep(settleMs);
  const before = residentKibOf(serverPid);
  const report: Report = {};
  const sockets: StreamSocket[] = [];
  for (const step of steps) {
    sockets.push(...(await open(step - sockets.length)));
    await sleep(settleMs);
    report[`kib${step}`] = (residentKibOf(serverPid) - before) / step;
  }
  const cpuSeconds = cpuSecondsOf(serverPid);
  await sleep(settleMs);
  report['idleCpuPercent'] = ((cpuSecondsOf(serverPid) - cpuSeconds) * 100_000) / settleMs;
  const closed = sockets.find(({ closedBy }) => closedBy !== undefined);
  if (closed !== undefined) throw new Error(`a client was cut: ${closed.closedBy}`);
  return report;
}

void doJob(measure);
