export { Caller, Public, Require, accessOf, type Access, type Requirement } from './access.decorators';
export { AccessGuard } from './access.guard';
export { AuthModule } from './auth.module';
export { Authenticator, type AuthenticatorOptions } from './authenticator';
export { type Principal } from './principal';
