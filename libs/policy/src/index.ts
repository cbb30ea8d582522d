export { compareCatalogs, type AccessChange } from './difference';
export { type Explanation, type GrantExplanation } from './explanation';
export { maskKeySchema } from './mask-keys';
export { Policy, type Person, type PolicyOptions } from './policy';
export { reviewCatalog, type Finding } from './review';
export { View } from './view';
