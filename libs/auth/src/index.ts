export { Caller, Public, Require, accessOf, type Access, type Requirement } from './access.decorators';
export { AccessGuard } from './access.guard';
export { AuthModule } from './auth.module';
export { Authenticator, authenticatorOptionsSchema, type AuthenticatorOptions } from './authenticator';
export { bearerToken, type RawRequest } from './bearer-token';
export { DeviceTokens, type DeviceIdentity } from './device-token';
export { type Principal } from './principal';
