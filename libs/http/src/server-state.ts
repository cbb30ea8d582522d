import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';

/** State of one application that its hooks and its shutdown share. */
export interface ServerState {
  /** Answers then ask the client to leave the connection. */
  draining: boolean;
  /** Set when no connection is accepted any more; resolves when the last one is gone. */
  closed: Promise<void> | undefined;
  /** Connections that were opened ahead and never used: Node does not count them as idle. */
  unused: Set<Socket>;
}

export function followConnections(server: Server, { unused }: ServerState): void {
  server.on('connection', (socket: Socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  const used = ({ socket }: IncomingMessage) => unused.delete(socket);
  server.on('request', used);
  server.on('upgrade', used);
}
