export { Caller, Public, Require, accessOf, type Access, type Requirement } from './access.decorators';
export { AccessGuard } from './access.guard';
export { generateApiKey, hashApiKey, parseApiKey, type ApiKey } from './api-key';
export { ApiKeyAdmin, type NewApiKey } from './api-key-admin';
export { ApiKeys, apiKeysOptionsSchema, type ApiKeysOptions } from './api-keys';
export { AuthModule, type AuthModuleOptions } from './auth.module';
export { Authenticator, authenticatorOptionsSchema, type AuthenticatorOptions } from './authenticator';
export {
  ClientCertificates,
  clientCertificatesOptionsSchema,
  type ClientCertificatesOptions,
} from './client-certificates';
export { callerOf, lastingCredentialOf, principalOf, type Credential } from './credentials';
export { deviceCertificateOf } from './device-certificate';
export { DeviceTokens, type DeviceIdentity } from './device-token';
export { DpopProofs, dpopOptionsSchema, type DpopOptions } from './dpop-proofs';
export { isInScope, type Confirmation, type CredentialMethod, type Principal } from './principal';
export { LocalProofMemory } from './proof-memory';
export type { RawRequest } from './request-credentials';
export { SignOuts } from './sign-outs';
export { TrustedProxies, isProxy } from './trusted-proxies';
