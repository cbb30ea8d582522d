import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import { StreamFollower } from './stream-follower';

describe(StreamFollower.name, () => {
  let http: Server;
  let door: WebSocketServer;
  let url: string;
  let rows: string[];
  let notes: string[];
  let tokens: number;
  let leave: AbortController;

  beforeEach(async () => {
    [rows, notes, tokens] = [[], [], 0];
    leave = new AbortController();
    http = createServer().listen(0, '127.0.0.1');
    await once(http, 'listening');
    door = new WebSocketServer({ server: http });
    url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}/orders/stream`;
  });

  afterEach(() => {
    leave.abort();
    for (const client of door.clients) client.terminate();
    door.close();
    http.close();
    http.closeAllConnections();
  });

  const follow = (from?: string) => {
    const follower = new StreamFollower({
      url,
      from,
      token: () => Promise.resolve(`token-${++tokens}`),
      row: (row) => rows.push(row),
      note: (note) => notes.push(note),
      firstPauseMs: 10,
    });
    const ended = follower.run(leave.signal);
    ended.catch(() => undefined);
    return ended;
  };

  const connection = async () => (await once(door, 'connection')) as [WebSocket, IncomingMessage];

  it('asks for the stream with a token and prints each row as a line that keeps its digits', async () => {
    void follow('earliest');
    const [socket, request] = await connection();
    expect(request.url).toBe('/orders/stream?from=earliest');
    expect(request.headers.authorization).toBe('Bearer token-1');
    expect(socket.protocol).toBe('tidegate.v1');
    socket.send('{"t":"rows","s":"orders","c":"c1","r":[{"total":12.50,"id":9007199254740993},{"total":0}]}');
    await until(() => rows.length === 2);
    expect(rows).toEqual(['{"total":12.50,"id":9007199254740993}', '{"total":0}']);
  });

  it('goes on from the last cursor with a fresh token after the connection is lost', async () => {
    void follow();
    const [first] = await connection();
    first.send('{"t":"rows","s":"orders","c":"c1","r":[]}');
    first.send('{"t":"gap","s":"orders","c":"c2","reason":"retention"}');
    first.terminate();
    const [, request] = await connection();
    expect(request.url).toBe('/orders/stream?after=c2');
    expect(request.headers.authorization).toBe('Bearer token-2');
    expect(notes).toContain('-- gap: retention');
  });

  it('sends a fresh token when the old one expires', async () => {
    void follow();
    const [socket] = await connection();
    socket.send('{"t":"expiring","inSeconds":60}');
    const [message] = (await once(socket, 'message')) as [Buffer];
    expect(message.toString()).toBe('{"t":"auth","token":"token-2"}');
  });

  it('passes over frames that it does not know', async () => {
    void follow();
    const [socket] = await connection();
    socket.send('{"t":"weather","c":"c7"}');
    socket.send('{"t":"rows","s":"orders","c":"c8","r":[{"a":1}]}');
    await until(() => rows.length === 1);
  });

  it('ends with the reason when access is withdrawn', async () => {
    const ended = follow();
    const [socket] = await connection();
    socket.close(4403);
    await expect(ended).rejects.toThrow('access was withdrawn');
  });

  it('ends with the problem when the upgrade is refused', async () => {
    door.close();
    door = new WebSocketServer({
      server: http,
      verifyClient: (_info, done) => done(false, 404, '{"code":"not_found","detail":"no such stream"}'),
    });
    await expect(follow()).rejects.toThrow('refused with 404: not_found no such stream');
  });

  it('leaves when it is told to', async () => {
    const ended = follow();
    const [socket] = await connection();
    leave.abort();
    await once(socket, 'close');
    await expect(ended).resolves.toBeUndefined();
  });

  it('ends at once when nobody ever answered', async () => {
    url = 'ws://127.0.0.1:1/orders/stream';
    await expect(follow()).rejects.toThrow('does not answer: ECONNREFUSED');
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
