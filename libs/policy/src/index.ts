export { Policy, type PolicyOptions } from './policy';
export { View } from './view';
