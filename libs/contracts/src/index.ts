export {
  auditEventSchema,
  type AuditActivity,
  type AuditActor,
  type AuditEvent,
  type AuditResource,
  type AuditTopic,
  type AuditType,
} from './audit';
export {
  accountSchema,
  transactionRequestSchema,
  transactionSchema,
  type Account,
  type Transaction,
  type TransactionRequest,
} from './bank';
export { contractSchemas, type ContractName } from './contract';
export { customerSchema, type Customer } from './customer';
export { clientFrameSchema, closeCodes, serverFrames, subprotocol, type ClientFrame, type ServerFrame } from './frames';
export {
  isRawNumber,
  numberOf,
  parseJson,
  parseJsonText,
  stringifyJson,
  type JsonObject,
  type JsonValue,
  type RawNumber,
} from './json';
export {
  orderLineSchema,
  orderSchema,
  orderStatuses,
  placeOrderSchema,
  type Order,
  type OrderLine,
  type OrderStatus,
  type PlaceOrder,
} from './order';
export { type Problem } from './problem';
export { contractShapes, type ObjectShape, type Shape } from './shape';
export { telemetryQualities, telemetrySchema, type Telemetry, type TelemetryQuality } from './telemetry';
export { topics } from './topics';
