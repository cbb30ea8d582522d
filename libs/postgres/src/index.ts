export { isUniqueViolation } from './errors';
export { PostgresHealth } from './health';
export { migrate, type Migration } from './migrate';
export { postgresOptionsSchema, type PostgresDeps, type PostgresOptions } from './options';
export { Pool, createPool, type Connection, type Queryable, type Result, type Row } from './pool';
export { Session, type SessionListener } from './session';
export { inTransaction } from './transaction';
