export { loadLimits, type Limit, type LimitScope } from '@tidegate/catalog';
export { type Admission, type LimitState } from './admission';
export { TrustedProxies, clientAddress } from './client-address';
export { type CountedCaller } from './counted-caller';
export { RateLimiter, type AdmitOptions } from './rate-limiter';
