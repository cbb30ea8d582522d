import { closeRedis, type Redis } from '@tidegate/redis';
import { z } from 'zod';

const channel = 'iot:sessions';
const counter = 'iot:session-number';
const noticeSchema = z.object({ key: z.string(), number: z.number() });

/** Tells all replicas which connection of a device is the newest: sessions are numbered by Redis. */
export class SessionNotices {
  constructor(
    private readonly redis: Redis,
    private readonly subscriber: Redis,
  ) {}

  /** `onNewer` is called for each session that begins anywhere, also here. */
  listen(onNewer: (key: string, number: number) => void): void {
    const subscribe = () => void this.subscriber.subscribe(channel).catch(() => undefined);
    this.subscriber.on('ready', subscribe);
    if (this.subscriber.status === 'ready') subscribe();
    this.subscriber.on('message', (_channel, text: string) => {
      const notice = parse(text);
      if (notice !== undefined) onNewer(notice.key, notice.number);
    });
  }

  /** @returns the number of the session, or undefined while Redis is away: then only this replica knows of it */
  async next(): Promise<number | undefined> {
    return this.redis.incr(counter).catch(() => undefined);
  }

  announce(key: string, number: number): void {
    void this.redis.publish(channel, JSON.stringify({ key, number })).catch(() => undefined);
  }

  close(): Promise<void> {
    return closeRedis(this.subscriber);
  }
}

function parse(text: string): z.output<typeof noticeSchema> | undefined {
  try {
    return noticeSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
