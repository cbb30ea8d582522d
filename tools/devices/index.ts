export { cborCodec } from './cbor.ts';
export { deviceToken } from './device-token.ts';
export { codes, type Batch, type DeviceCodec, type ServerFrame } from './frames.ts';
export { protobufCodec } from './protobuf.ts';
export { SimulatedDevice, framed, type CodecName, type SimulatedDeviceOptions } from './simulated-device.ts';
