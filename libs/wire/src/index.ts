export { codecOf, type Codec } from './codec';
export { codecIds, type CodecId } from './codec-id';
export {
  FrameDecoder,
  defaultMaxFrameBytes,
  frameBytes,
  largestMaxFrameBytes,
  type FrameDecoderOptions,
} from './frame-decoder';
export { FrameError, type FramePlace } from './frame-error';
export {
  timeQualities,
  type Ack,
  type Bye,
  type ClientFrame,
  type CommandResult,
  type Hello,
  type Lane,
  type Nack,
  type Ping,
  type Reading,
  type ServerFrame,
  type Telemetry,
  type TimeQuality,
  type Welcome,
} from './frames';
export { settles, statusCodes, statusOf, type Status } from './status';
