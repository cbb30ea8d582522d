import fc from 'fast-check';
import { codecIds, type CodecId } from './codec-id';
import { FrameDecoder, frameBytes, lengthBytes, prefaceBytes, type FrameDecoderOptions } from './frame-decoder';
import type { FrameError } from './frame-error';

const preface = (codec: number): Buffer => Buffer.from([0x54, 0x47, 0x49, 0x31, codec, 0, 0, 0]);
const withoutPreface = { preface: false };

/** The bodies that come out when the bytes go in as these chunks; each is copied, as a later push may overwrite it. */
const bodiesOf = (decoder: FrameDecoder, chunks: readonly Buffer[]): Buffer[] =>
  chunks.flatMap((chunk) => {
    decoder.push(chunk);
    const bodies: Buffer[] = [];
    for (let body = decoder.next(); body !== undefined; body = decoder.next()) bodies.push(Buffer.from(body));
    return bodies;
  });

const statusOf = (bytes: Buffer, options: FrameDecoderOptions = withoutPreface): string => {
  try {
    bodiesOf(new FrameDecoder(options), [bytes]);
    return 'accepted';
  } catch (error) {
    return (error as FrameError).status;
  }
};

const singleBytes = (bytes: Buffer): Buffer[] => [...bytes].map((byte) => Buffer.from([byte]));

describe(FrameDecoder.name, () => {
  it.each([...codecIds])('reads the preface of codec %i in single bytes', (codec: CodecId) => {
    const decoder = new FrameDecoder();
    const bytes = Buffer.concat([preface(codec), frameBytes(Buffer.from('abc'))]);
    expect(bodiesOf(decoder, singleBytes(bytes))).toEqual([Buffer.from('abc')]);
    expect(decoder.codec).toBe(codec);
  });

  it.each([
    ['another magic', Buffer.from('GET / HTTP/1.1'), 'protocol'],
    ['codec 0', preface(0), 'unsupported'],
    ['codec 3', preface(3), 'unsupported'],
    ['a flag', Buffer.from([0x54, 0x47, 0x49, 0x31, 1, 1, 0, 0]), 'unsupported'],
    ['a reserved byte', Buffer.from([0x54, 0x47, 0x49, 0x31, 1, 0, 0, 1]), 'unsupported'],
  ])('refuses a preface with %s', (_what, bytes, status) => {
    expect(statusOf(bytes, {})).toBe(status);
  });

  it('gives one frame whatever the place where it is cut', () => {
    const body = Buffer.from(Array.from({ length: 40 }, (_, index) => index));
    const bytes = Buffer.concat([preface(1), frameBytes(body)]);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const decoder = new FrameDecoder();
      expect(bodiesOf(decoder, [bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual([body]);
      expect(decoder.midFrame).toBe(false);
    }
  });

  it('gives 50 frames of one chunk in their order', () => {
    const bodies = Array.from({ length: 50 }, (_, index) => Buffer.from(`frame ${index}`));
    const chunk = Buffer.concat(bodies.map(frameBytes));
    expect(bodiesOf(new FrameDecoder(withoutPreface), [chunk])).toEqual(bodies);
  });

  it('gives any frames in any chunks', () => {
    const frames = fc.array(fc.uint8Array({ minLength: 1, maxLength: 2_000 }), { maxLength: 8 });
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1 }), (bodies, sizes) => {
        const bytes = Buffer.concat(bodies.map((body) => frameBytes(body)));
        const chunks: Buffer[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const size = sizes[turn % sizes.length] ?? 1;
          chunks.push(bytes.subarray(at, at + size));
          at += size;
        }
        expect(bodiesOf(new FrameDecoder(withoutPreface), chunks)).toEqual(bodies.map((body) => Buffer.from(body)));
      }),
    );
  });

  it('gives what was pushed while nobody asked', () => {
    const decoder = new FrameDecoder(withoutPreface);
    const bodies = ['a', 'bc', 'def'].map((text) => Buffer.from(text));
    const bytes = Buffer.concat(bodies.map(frameBytes));
    decoder.push(bytes.subarray(0, 9));
    decoder.push(bytes.subarray(9));
    expect([decoder.next(), decoder.next(), decoder.next(), decoder.next()]).toEqual([...bodies, undefined]);
  });

  it('says when it is in the middle of a frame', () => {
    const decoder = new FrameDecoder();
    const states = singleBytes(Buffer.concat([preface(1), frameBytes(Buffer.from('ab'))])).map((chunk) => {
      bodiesOf(decoder, [chunk]);
      return decoder.midFrame;
    });
    const whole = states.flatMap((midFrame, index) => (midFrame ? [] : [index + 1]));
    expect(whole).toEqual([prefaceBytes, prefaceBytes + lengthBytes + 2]);
  });

  it.each([
    ['00000000', 'malformed'],
    ['ffffffff', 'tooLarge'],
    ['7fffffff', 'tooLarge'],
    ['00010001', 'tooLarge'],
    ['00010000', 'accepted'],
    ['00000001', 'accepted'],
  ])('judges the length %s before the body comes', (length, status) => {
    expect(statusOf(Buffer.from(length, 'hex'))).toBe(status);
  });

  it('takes a frame of the largest configured length and no longer one', () => {
    const options = { preface: false, maxFrameBytes: 1_000 };
    expect(statusOf(frameBytes(Buffer.alloc(1_000)), options)).toBe('accepted');
    expect(statusOf(frameBytes(Buffer.alloc(1_001)), options)).toBe('tooLarge');
  });

  it('can be configured up to 262,144 bytes', () => {
    expect(new FrameDecoder({ maxFrameBytes: 262_144 }).maxFrameBytes).toBe(262_144);
    expect(() => new FrameDecoder({ maxFrameBytes: 262_145 })).toThrow(RangeError);
    expect(() => new FrameDecoder({ maxFrameBytes: 0 })).toThrow(RangeError);
  });

  it('takes memory for what came, not for what 500 peers claim', () => {
    const before = process.memoryUsage().arrayBuffers;
    const claims = Array.from({ length: 500 }, () => {
      const decoder = new FrameDecoder(withoutPreface);
      bodiesOf(decoder, [Buffer.from([0, 1, 0, 0, 1])]);
      return decoder;
    });
    expect(claims.every(({ midFrame }) => midFrame)).toBe(true);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2_000_000);
  });
});
