import { parseJson, type JsonObject } from '@tidegate/contracts';
import { setTimeout as sleep } from 'node:timers/promises';

export interface SseEvent {
  event: string;
  id: string | undefined;
  data: string;
}

/** A Server-Sent Events reader by `fetch`, as a browser page with a token would do it. */
export class SseClient {
  readonly events: SseEvent[] = [];
  readonly rows: JsonObject[] = [];
  lastEventId: string | undefined;
  ended = false;
  private readonly abort = new AbortController();

  static async open(url: string, token: string, lastEventId?: string): Promise<SseClient> {
    const client = new SseClient();
    const response = await fetch(url, {
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'text/event-stream',
        ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
      },
      signal: client.abort.signal,
    });
    if (response.status !== 200 || response.body === null) throw new Error(`status ${response.status}`);
    void client.read(response.body.pipeThrough(new TextDecoderStream()));
    await client.until(() => client.events.some(({ event }) => event === 'caught-up'), 'caught up');
    return client;
  }

  get gaps(): string[] {
    return this.dataOf('gap').map(({ reason }) => reason as string);
  }

  get errors(): string[] {
    return this.dataOf('error').map(({ code }) => code as string);
  }

  cut(): void {
    this.abort.abort();
  }

  async until(condition: () => boolean, what: string, timeoutMs = 20_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!condition()) {
      if (Date.now() > deadline)
        throw new Error(`not ${what} after ${timeoutMs} ms: ${JSON.stringify(this.events.slice(-5))}`);
      await sleep(10);
    }
  }

  async untilRows(field: string, values: readonly string[], timeoutMs?: number): Promise<void> {
    const has = (value: string): boolean => this.rows.some((row) => row[field] === value);
    await this.until(() => values.every(has), `sent ${field} ${values.join(', ')}`, timeoutMs);
  }

  private dataOf(name: string): JsonObject[] {
    return this.events.filter(({ event }) => event === name).map(({ data }) => parseJson(data) as JsonObject);
  }

  private async read(body: ReadableStream<string>): Promise<void> {
    let rest = '';
    try {
      for await (const chunk of body) {
        const blocks = (rest + chunk).split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) this.take(block);
      }
    } catch {
      // Cut by us or by a server that died: either way the stream has ended.
    }
    this.ended = true;
  }

  private take(block: string): void {
    const field = (name: string): string | undefined =>
      block
        .split('\n')
        .find((line) => line.startsWith(`${name}: `))
        ?.slice(name.length + 2);
    const data = field('data');
    if (data === undefined) return;
    const event = { event: field('event') ?? 'message', id: field('id'), data };
    this.events.push(event);
    this.lastEventId = event.id ?? this.lastEventId;
    if (event.event === 'rows') this.rows.push(...(parseJson(data) as JsonObject[]));
  }
}
