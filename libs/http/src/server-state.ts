import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** State of one application that its hooks and its shutdown share. */
export interface ServerState {
  /** Answers then ask the client to leave the connection. */
  draining: boolean;
  /** Set when no connection is accepted any more; resolves when the last one is gone. */
  closed: Promise<void> | undefined;
  readonly sockets: Set<Socket>;
}

export function followConnections(server: Server, { sockets }: ServerState): void {
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
}

/** Ends connections that were opened ahead and never used: Node does not count them as idle, and would wait for them. */
export function endUnused({ sockets }: ServerState): void {
  for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
}
