import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { LoopbackDoors } from './doors-fixture';
import type { followStream } from './follow-stream';

const root = path.resolve(__dirname, '../../..');

/** One script for a page, as any bundler for browsers makes it; a module of Node in it is an error. */
function bundle(): string {
  const esbuild = path.join(root, 'node_modules/esbuild/bin/esbuild');
  const entry = path.join(root, 'libs/client/src/index.ts');
  const options = ['--bundle', '--platform=browser', '--format=iife', '--global-name=client', '--minify'];
  const tsconfig = `--tsconfig=${path.join(root, 'tsconfig.base.json')}`;
  return execFileSync(esbuild, [entry, ...options, tsconfig], { encoding: 'utf8' });
}

/** What a page has, and nothing of Node. */
const page = {
  ...{ fetch, WebSocket, setTimeout, clearTimeout, TextDecoder, AbortController, URLSearchParams },
};

describe('the client in a page', () => {
  const script = bundle();

  it('is small, since it brings nothing but itself', () => {
    expect(script.length).toBeLessThan(16_384);
  });

  it.each(['websocket', 'sse'] as const)('follows a stream over %s', async (transport) => {
    const doors = await LoopbackDoors.open();
    const context = createContext({ ...page });
    runInContext(script, context);
    const { followStream: follow } = (context as { client: { followStream: typeof followStream } }).client;
    const rows: unknown[] = [];
    await new Promise<void>((resolve, reject) => {
      const following = follow({
        url: `http://127.0.0.1:${doors.port}`,
        stream: 'orders',
        token: () => 'token',
        transport,
        onRows: (some) => rows.push(...some),
        onCaughtUp: () => resolve(following.close()),
        onState: (state) => state.state === 'closed' && state.error !== undefined && reject(state.error),
      });
    });
    expect(rows).toMatchObject([{ n: 1 }, { n: 2 }, { n: 3 }]);
    doors.close();
  });
});
