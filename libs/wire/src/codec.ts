import { CborCodec } from './cbor-codec';
import type { CodecId } from './codec-id';
import type { ClientFrame, ServerFrame } from './frames';
import { ProtobufCodec } from './protobuf-codec';

/** How bodies are written: what a device chose in its preface. */
export interface Codec {
  /** @throws FrameError, with lane and seq where the body told them; nothing else */
  decode(body: Buffer): ClientFrame;
  encode(frame: ServerFrame): Uint8Array;
}

const codecs: Record<CodecId, Codec> = { 1: new ProtobufCodec(), 2: new CborCodec() };

export function codecOf(id: CodecId): Codec {
  return codecs[id];
}
