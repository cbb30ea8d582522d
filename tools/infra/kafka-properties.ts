export interface BrokerPlace {
  id: number;
  directory: string;
  port: number;
  controllerPort: number;
}

export type BrokerProperties = Readonly<Record<string, string | number | boolean>>;

/** Settings of one node that is broker and controller. Paths are relative to the node's directory. */
export function brokerProperties(
  place: BrokerPlace,
  cluster: readonly BrokerPlace[],
  overrides: BrokerProperties = {},
): BrokerProperties {
  const replicas = cluster.length;
  const inSync = Math.max(1, replicas - 1);
  return {
    'process.roles': 'broker,controller',
    'node.id': place.id,
    'controller.quorum.voters': cluster.map(({ id, controllerPort }) => `${id}@127.0.0.1:${controllerPort}`).join(','),
    listeners: `PLAINTEXT://127.0.0.1:${place.port},CONTROLLER://127.0.0.1:${place.controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${place.port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': 'data',
    'auto.create.topics.enable': false,
    'num.partitions': 6,
    'default.replication.factor': replicas,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': 10,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': inSync,
    'group.initial.rebalance.delay.ms': 0,
    // A few clients on a small machine: the defaults reserve threads and 128 MB for a server of its own.
    'num.network.threads': 2,
    'num.io.threads': 4,
    'log.cleaner.dedupe.buffer.size': 16_777_216,
    // A killed broker may return only when its old session is over: after 3 s instead of 9.
    'broker.heartbeat.interval.ms': 500,
    'broker.session.timeout.ms': 3000,
    ...overrides,
  };
}

/** As server.properties holds them. */
export function propertiesFile(properties: BrokerProperties): string {
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}`);
  return `${lines.join('\n')}\n`;
}
