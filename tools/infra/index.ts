export { startServer, type Server, type ServerOptions } from '../supervisor.ts';
export { describeCluster, type ClusterView } from './kafka-metadata.ts';
export { startKafka, type KafkaCluster, type KafkaStartOptions } from './kafka.ts';
export type { LocalServer, LocalStore } from './local-server.ts';
export { startPostgres, type PostgresStartOptions } from './postgres.ts';
export { startRedis, type RedisStartOptions } from './redis.ts';
