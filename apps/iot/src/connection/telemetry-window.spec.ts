import { connectionOptionsSchema } from './options';
import { TelemetryWindow, type Verdict } from './telemetry-window';

const options = connectionOptionsSchema.parse({ windowFrames: 4, windowBytes: 1_000, backlogWindowFrames: 2 });
const start = { live: 0, backlog: 0 };
const nowMs = 1_000_000;

interface Offer {
  lane?: 0 | 1;
  bytes?: number;
  atMs?: number;
}

class Sut {
  readonly window: TelemetryWindow;

  constructor(changes: Partial<typeof options> = {}) {
    this.window = new TelemetryWindow({ ...options, ...changes }, start, nowMs);
  }

  offer(seq: number, { lane = 0, bytes = 10, atMs = nowMs }: Offer = {}): Verdict {
    return this.window.offer({ lane, seq, bytes }, atMs);
  }

  admit(seq: number, at: { lane?: 0 | 1; bytes?: number } = {}): Extract<Verdict, { kind: 'admitted' }> {
    const verdict = this.offer(seq, at);
    if (verdict.kind !== 'admitted') throw new Error(verdict.kind);
    return verdict;
  }
}

describe(TelemetryWindow.name, () => {
  it('lets in as many frames as it has, and one more when one is settled', () => {
    const sut = new Sut();
    const [first] = [1, 2, 3, 4].map((seq) => sut.admit(seq));
    expect(sut.offer(5)).toEqual({ kind: 'wait' });
    sut.window.settle(0, (first as Extract<Verdict, { kind: 'admitted' }>).frame, 'written');
    expect(sut.offer(5).kind).toBe('admitted');
    expect(sut.window.open).toBe(4);
  });

  it('lets in as many bytes as it has', () => {
    const sut = new Sut();
    sut.admit(1, { bytes: 600 });
    expect(sut.offer(2, { bytes: 401 }).kind).toBe('wait');
    expect(sut.offer(2, { bytes: 400 }).kind).toBe('admitted');
  });

  it('always lets in a frame of a lane that has nothing under way', () => {
    const sut = new Sut();
    sut.admit(1, { bytes: 5_000 });
    expect(sut.offer(1, { lane: 1, bytes: 5_000 }).kind).toBe('admitted');
    expect(sut.offer(2, { lane: 1 }).kind).toBe('wait');
  });

  it('refuses the backlog beyond its share for a while, and goes on when that frame comes again', () => {
    const sut = new Sut();
    const [first] = [1, 2].map((seq) => sut.admit(seq, { lane: 1 }));
    expect(sut.offer(3, { lane: 1 })).toMatchObject({ kind: 'again', status: 'rateLimited' });
    expect(sut.offer(4, { lane: 1 }).kind).toBe('dropped');
    expect(sut.offer(1).kind).toBe('admitted');
    sut.window.settle(1, (first as Extract<Verdict, { kind: 'admitted' }>).frame, 'written');
    expect(sut.offer(4, { lane: 1 }).kind).toBe('dropped');
    expect([sut.offer(3, { lane: 1 }).kind, sut.offer(4, { lane: 1 }).kind]).toEqual(['admitted', 'again']);
  });

  it.each([
    ['frames', { framesPerSecond: 1 }, 10],
    ['bytes', { bytesPerSecond: 10 }, 10],
  ])('refuses more %s a second than it has, for as long as that takes', (_what, changes, bytes) => {
    const sut = new Sut(changes);
    expect([sut.offer(1, { bytes }).kind, sut.offer(2, { bytes }).kind]).toEqual(['admitted', 'admitted']);
    expect(sut.offer(3, { bytes })).toMatchObject({ kind: 'again', status: 'rateLimited', retryAfterMs: 1_000 });
    expect(sut.offer(3, { bytes, atMs: nowMs + 999 }).kind).toBe('again');
    expect(sut.offer(3, { bytes, atMs: nowMs + 1_000 }).kind).toBe('admitted');
  });

  it('takes a frame that is larger than its bytes a second, when nothing came before', () => {
    const sut = new Sut({ bytesPerSecond: 10 });
    expect(sut.offer(1, { bytes: 900 }).kind).toBe('admitted');
    expect(sut.offer(2, { bytes: 1 }).kind).toBe('again');
  });

  it('holds refused frames to a number too, while one before them waits', () => {
    const sut = new Sut();
    sut.admit(1);
    for (let seq = 2; seq <= 16; seq += 1) expect(sut.window.refuse({ lane: 0, seq })).toBe('refused');
    expect(sut.window.refuse({ lane: 0, seq: 17 })).toEqual({ kind: 'wait' });
    expect(sut.offer(17).kind).toBe('wait');
  });

  it('gives room back for frames that are withdrawn', () => {
    const sut = new Sut();
    const frames = [1, 2, 3, 4].map((seq) => sut.admit(seq).frame);
    expect(sut.window.withdraw(0, frames[1] as never)).toBe(true);
    expect(sut.window.withdraw(0, frames[2] as never)).toBe(false);
    expect(sut.window.open).toBe(1);
    expect([sut.offer(3).kind, sut.offer(2).kind]).toEqual(['dropped', 'admitted']);
  });
});
