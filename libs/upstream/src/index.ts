export { ServiceClient, type ServiceClientOptions } from './service-client';
export { ServiceToken, type ServiceTokenOptions } from './service-token';
export { VisibleRows } from './visible-rows';
