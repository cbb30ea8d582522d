export { cursorKeySchema } from './cursor';
export { streamLimitsSchema, type StreamLimits } from './limits';
export { type RecordsPage } from './records-read';
export { type ByeCode, type GapReason, type SessionSink } from './session-sink';
export { type StreamStart } from './start';
export { StreamHub, type ReadOptions, type Session, type StreamHubOptions } from './stream-hub';
export { CATALOG, StreamsModule, type StreamsModuleOptions } from './streams.module';
export { Wheel, type Spoke } from './wheel';
