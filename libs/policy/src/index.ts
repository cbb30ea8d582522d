export { type Explanation, type GrantExplanation } from './explanation';
export { Policy, type PolicyOptions } from './policy';
export { View } from './view';
