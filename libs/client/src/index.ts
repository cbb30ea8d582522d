export { followStream, type Following } from './follow-stream';
export { type FollowOptions, type StreamState } from './options';
export { StreamError } from './stream-error';
