import { connect } from 'node:net';

export interface ClusterView {
  nodeIds: number[];
  controllerId: number;
}

/** What a broker says about its cluster, or undefined when it does not answer. Metadata v1, no topics. */
export function describeCluster(port: number, timeoutMs = 1000): Promise<ClusterView | undefined> {
  return new Promise((resolve) => {
    let received = Buffer.alloc(0);
    const socket = connect(port, '127.0.0.1', () => socket.write(metadataRequest()));
    const finish = (view?: ClusterView) => {
      socket.destroy();
      resolve(view);
    };
    socket.setTimeout(timeoutMs, () => finish());
    socket.on('error', () => finish());
    socket.on('close', () => finish());
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) finish(readView(received));
    });
  });
}

function metadataRequest(): Buffer {
  const request = Buffer.alloc(18);
  request.writeInt32BE(request.length - 4, 0);
  request.writeInt16BE(3, 4); // api key: Metadata
  request.writeInt16BE(1, 6); // version
  request.writeInt32BE(1, 8); // correlation id
  request.writeInt16BE(-1, 12); // no client id
  request.writeInt32BE(0, 14); // no topics
  return request;
}

function readView(response: Buffer): ClusterView {
  let position = 8;
  const int = (): number => {
    position += 4;
    return response.readInt32BE(position - 4);
  };
  const skipString = () => {
    position += 2 + Math.max(0, response.readInt16BE(position));
  };
  const nodeIds: number[] = [];
  for (let left = int(); left > 0; left--) {
    nodeIds.push(int());
    skipString(); // host
    int(); // port
    skipString(); // rack
  }
  return { nodeIds, controllerId: int() };
}
