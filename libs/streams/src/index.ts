export { streamLimitsSchema, type StreamLimits } from './limits';
export { type ByeCode, type GapReason, type SessionSink } from './session-sink';
export {
  StreamHub,
  type ReadOptions,
  type RecordsPage,
  type Session,
  type StreamHubOptions,
  type StreamStart,
} from './stream-hub';
