export { actorOf, anonymous } from './actor';
export { AuditLog, type AuditLogDeps, type AuditSender } from './audit-log';
export { AuditModule, type AuditModuleOptions } from './audit.module';
export { type AuditEntry } from './event';
export { auditNotes, type AuditNotes, type NotedView } from './notes';
export { auditOptionsSchema, type AuditOptions } from './options';
export { refusedStreamEntry, requestEntry, type RefusedStream, type RequestFacts } from './request-entry';
