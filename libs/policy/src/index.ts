export { type Explanation, type GrantExplanation } from './explanation';
export { maskKeySchema } from './mask-keys';
export { Policy, type Person, type PolicyOptions } from './policy';
export { View } from './view';
