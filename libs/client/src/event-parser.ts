export interface ServerSentEvent {
  event: string;
  id: string | undefined;
  data: string;
}

const lf = 10;
const cr = 13;

/** Events of a `text/event-stream`, in pieces of any size. One that has not ended is none. */
export class EventParser {
  private rest = '';
  private afterCr = false;
  private event = '';
  private id: string | undefined;
  private data: string[] = [];

  /** The events that a further piece of text has ended. */
  *push(text: string): Generator<ServerSentEvent> {
    const all = this.rest + text;
    let start = 0;
    for (let at = this.rest.length; at < all.length; at++) {
      const code = all.charCodeAt(at);
      const afterCr = this.afterCr;
      this.afterCr = code === cr;
      if (code !== lf && code !== cr) continue;
      const line = all.slice(start, at);
      start = at + 1;
      // The second half of a CRLF, which may come in another piece than the first.
      if (code === lf && afterCr) continue;
      const ended = this.line(line);
      if (ended !== undefined) yield ended;
    }
    this.rest = all.slice(start);
  }

  private line(line: string): ServerSentEvent | undefined {
    if (line === '') return this.dispatch();
    const colon = line.indexOf(':');
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'event') this.event = value;
    else if (name === 'data') this.data.push(value);
    else if (name === 'id' && !value.includes('\0')) this.id = value;
    return undefined;
  }

  private dispatch(): ServerSentEvent | undefined {
    const { event, id, data } = this;
    [this.event, this.id, this.data] = ['', undefined, []];
    return data.length === 0 ? undefined : { event: event === '' ? 'message' : event, id, data: data.join('\n') };
  }
}
