export { endServers, startServer, type Server, type ServerOptions } from '../supervisor.ts';
export { describeCluster, type ClusterView } from './kafka-metadata.ts';
export { kafkaTool, type KafkaTool } from './kafka-tools.ts';
export { startKafka, type KafkaCluster, type KafkaStartOptions } from './kafka.ts';
export { LocalServer, type LocalServerOptions, type LocalStore } from './local-server.ts';
export { freePort, freePorts } from './ports.ts';
export { startPostgres, type PostgresStartOptions } from './postgres.ts';
export { startRedis, type RedisStartOptions } from './redis.ts';
export { resolveInfra, type Infra, type InfraOptions, type InfraVariable } from './resolve.ts';
