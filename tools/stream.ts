// npm run stream -- <stream> <role>[:<subject>][@<tenant>] [from=earliest|latest|<time>]: follows a stream over WebSocket.
import { parseIdentity, requestToken } from './identity.ts';
import { apps, portOf } from './start/apps.ts';
import { StreamFollower } from './stream/stream-follower.ts';

const usage = 'npm run stream -- <stream> <role>[:<subject>][@<tenant>] [from=earliest|latest|<time>]';

function readArguments(words: string[]) {
  const [stream, identity, ...options] = words;
  if (stream === undefined || identity === undefined || !/^[a-z][a-z0-9-]*$/.test(stream)) throw new Error(usage);
  const from = options.map((option) => /^from=(.+)$/.exec(option)?.[1]);
  if (from.length > 1 || (from.length === 1 && from[0] === undefined)) throw new Error(usage);
  return { stream, identity: parseIdentity(identity), from: from[0] };
}

function mobileUrl(): string {
  const door = apps.find(({ name }) => name === 'mobile')?.doors[0];
  if (door === undefined) throw new Error('there is no app mobile');
  return `ws://127.0.0.1:${portOf(door, process.env)}`;
}

// `npm run stream … | head` ends the reader first.
process.stdout.on('error', () => process.exit(0));
try {
  const { stream, identity, from } = readArguments(process.argv.slice(2));
  const follower = new StreamFollower({
    url: `${mobileUrl()}/${stream}/stream`,
    token: () => requestToken(identity),
    from,
    row: (row) => console.log(row),
    note: (note) => console.error(note),
  });
  const leave = new AbortController();
  process.once('SIGINT', () => leave.abort());
  await follower.run(leave.signal);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
