export { Policy } from './policy';
export { View } from './view';
