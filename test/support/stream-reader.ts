import { followStream, type FollowOptions, type Following, type StreamError } from '@tidegate/client';
import { parseJson, type JsonObject } from '@tidegate/contracts';
import { setTimeout as sleep } from 'node:timers/promises';

/** A reader by the client, over as many connections as it takes. */
export class StreamReader {
  readonly rows: JsonObject[] = [];
  readonly gaps: string[] = [];
  readonly errors: string[] = [];
  connections = 0;
  readonly following: Following;
  private ended: StreamError | undefined;

  constructor(
    url: string,
    stream: string,
    options: Pick<FollowOptions, 'transport' | 'token'> & Partial<FollowOptions<JsonObject>>,
  ) {
    this.following = followStream<JsonObject>({
      firstPauseMs: 20,
      longestPauseMs: 500,
      parse: parseJson,
      ...options,
      ...{ url, stream },
      onRows: (rows) => this.rows.push(...rows),
      onGap: (reason) => this.gaps.push(reason),
      onRefused: ({ code }) => this.errors.push(code),
      onState: (state) => {
        if (state.state === 'open') this.connections++;
        if (state.state === 'closed') this.ended = state.error;
      },
    });
  }

  /** What a device measured. */
  numbersOf(device: string): unknown[] {
    return this.rows.filter((row) => row['deviceId'] === device).map((row) => row['v']);
  }

  async until(condition: () => boolean, what = 'there'): Promise<void> {
    for (const deadline = Date.now() + 60_000; !condition(); await sleep(20)) {
      if (this.ended !== undefined) throw this.ended;
      if (Date.now() > deadline)
        throw new Error(`not ${what} with ${this.rows.length} rows and ${this.gaps.join(', ')}`);
    }
  }

  close(): void {
    this.following.close();
  }
}
