export {
  catalogFiles,
  loadCatalog,
  openCatalog,
  type Catalog,
  type CatalogFileName,
  type OpenCatalog,
} from './catalog';
export { CatalogError, type CatalogProblem } from './catalog-error';
export { type FieldPath } from './catalog-file';
export { type Columns, type Mask } from './columns';
export { deviceCatalogFiles, loadDeviceCatalog, type DeviceCatalog } from './device-catalog';
export { type DeviceChannel, type DeviceSchema } from './devices-file';
export {
  limitScopes,
  limitsFiles,
  loadLimits,
  type Limit,
  type LimitQueue,
  type LimitScope,
  type LimitsByName,
  type RateLimit,
  type WindowLimit,
} from './limits-file';
export { LiveCatalog } from './live-catalog';
export { type Action, type Grant } from './policies-file';
export { type ProtobufFormat } from './proto-files';
export { isPerTenant, topicOfTenant } from './source-topics';
export { type StreamFormat } from './stream-format';
export { type Stream, type StreamSource, type TopicPattern } from './streams-file';
export { type Tenant } from './tenants-file';
export { matchesPattern } from './topic-pattern';
