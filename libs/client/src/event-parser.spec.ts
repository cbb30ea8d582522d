import fc from 'fast-check';
import { EventParser, type ServerSentEvent } from './event-parser';

const parse = (pieces: readonly string[]): ServerSentEvent[] => {
  const parser = new EventParser();
  return pieces.flatMap((piece) => [...parser.push(piece)]);
};

describe(EventParser.name, () => {
  it('reads events with any line ends, comments and fields that it does not know', () => {
    const text = ': hello\r\n\r\nretry: 3\rid: c1\revent: rows\rdata: [1]\r\rid:c2\ndata:a\ndata: b\nother\n\ndata\n\n';
    expect(parse([text])).toEqual([
      { event: 'rows', id: 'c1', data: '[1]' },
      { event: 'message', id: 'c2', data: 'a\nb' },
      { event: 'message', id: undefined, data: '' },
    ]);
  });

  it('gives no event that has no data or has not ended', () => {
    expect(parse(['event: rows\nid: c1\n\nevent: rows\nid: c2\ndata: [2]\n'])).toEqual([]);
  });

  it('reads the same in whatever pieces the text comes', () => {
    const line = fc.constantFrom('data: x', 'data:', 'id: c', 'event: e', ':', '', '', 'id: a\0b');
    const text = fc.array(fc.tuple(line, fc.constantFrom('\n', '\r', '\r\n'))).map((lines) => lines.flat().join(''));
    fc.assert(
      fc.property(text, fc.array(fc.nat({ max: 40 })), (whole, cuts) => {
        const at = [0, ...cuts.map((cut) => Math.min(cut, whole.length)), whole.length].sort((a, b) => a - b);
        const pieces = at.slice(1).map((end, n) => whole.slice(at[n], end));
        expect(parse(pieces)).toEqual(parse([whole]));
      }),
    );
  });
});
