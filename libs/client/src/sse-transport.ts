import type { ServerFrame } from '@tidegate/contracts';
import { Patience, type Ending, type Transport, type Wish } from './connection';
import { EventParser, type ServerSentEvent } from './event-parser';
import { endingOf } from './problem';
import { StreamError } from './stream-error';

/** The server comments every 15 s. */
const silenceMs = 45_000;

/** By `fetch`, since an `EventSource` sends no token. */
export const followBySse: Transport = async (wish) => {
  const patience = new Patience(wish.signal);
  patience.heard(silenceMs);
  try {
    const response = await ask(wish, patience.signal);
    if (response.status !== 200 || response.body === null) return await endingOf(response);
    wish.opened();
    return (await read(response.body, wish, patience)) ?? { reason: 'The connection was lost.' };
  } catch (error) {
    if (error instanceof StreamError) throw error;
    return { reason: error instanceof Error ? error.message : 'The connection was lost.' };
  } finally {
    patience.end();
  }
};

async function ask({ url, stream, start, token }: Wish, signal: AbortSignal): Promise<Response> {
  const { after, ...query } = start;
  const headers = {
    accept: 'text/event-stream',
    authorization: `Bearer ${await token()}`,
    ...(after !== undefined && { 'last-event-id': after }),
  };
  const search = new URLSearchParams(query as Record<string, string>).toString();
  const address = `${url}/streams/${encodeURIComponent(stream)}${search && `?${search}`}`;
  return fetch(address, { headers, signal, cache: 'no-store', credentials: 'omit' });
}

/** Undefined when the stream broke off. */
async function read(body: ReadableStream<Uint8Array>, wish: Wish, patience: Patience): Promise<Ending | undefined> {
  const parser = new EventParser();
  const decoder = new TextDecoder();
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done || wish.signal.aborted) return undefined;
    patience.heard(silenceMs);
    for (const event of parser.push(decoder.decode(value, { stream: true }))) {
      const frame = frameOf(event, wish);
      if (frame?.t === 'bye') return endingOfBye(frame);
      if (frame?.t === 'error') wish.refused(new StreamError(frame.code, frame.detail));
      else if (frame !== undefined) wish.take(frame);
    }
  }
}

function endingOfBye({ code, retryMs }: { code: string; retryMs: number }): Ending {
  if (code === 'access_withdrawn' || code === 'taken') throw new StreamError(code, endings[code]);
  return { reason: code, retryMs: code === 'token_expired' ? 0 : retryMs };
}

const endings = {
  access_withdrawn: 'The caller may not follow this stream any more.',
  taken: 'Another reader has taken over the subscription.',
};

/** The frame that says the same; undefined for events that we do not know. */
function frameOf({ event, id: c = '', data }: ServerSentEvent, { stream: s, parse }: Wish): ServerFrame | undefined {
  const fields = parse(data);
  switch (event) {
    case 'rows':
      return { t: 'rows', s, c, r: fields as Record<string, unknown>[] };
    case 'gone':
      return { t: 'gone', s, c, k: fields as unknown[][] };
    case 'cursor':
      return { t: 'rows', s, c, r: [] };
    case 'gap':
    case 'caught-up':
    case 'error':
    case 'bye':
      return { ...(fields as object), t: event, s, c } as ServerFrame;
    default:
      return undefined;
  }
}
