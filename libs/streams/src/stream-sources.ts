import { AppError } from '@tidegate/errors';
import type { Logger } from '@tidegate/telemetry';
import { checkPartitions, maxPartitions } from './cursor';
import type { Feeds } from './feeds';
import type { StreamLimits } from './limits';
import { hasPatterns, namedTopics, sourceOfTopic, type ScopedStream } from './scoped-stream';
import type { StreamChannel } from './stream-channel';
import type { TopicFeed } from './topic-feed';
import { readable, unreadable } from './unreadable';

export interface StreamSourcesOptions {
  channels: ReadonlySet<StreamChannel>;
  feeds: Feeds;
  /** The names of all topics there are. */
  topics: () => Promise<string[]>;
  limits: Pick<StreamLimits, 'topicsPollMs' | 'maxTopics'>;
  logger: Logger;
}

interface OpenSources {
  feeds: TopicFeed[];
  absent: Map<string, string>;
}

const missing = 'there is no such topic';
const tooManyPartitions = `the stream would have more than ${maxPartitions} partitions`;

/** Which topics a stream is made of: those that are there of the ones that the catalog names, and what its patterns fit. */
export class StreamSources {
  private readonly timer: NodeJS.Timeout;
  private looking = false;

  constructor(private readonly options: StreamSourcesOptions) {
    this.timer = setInterval(() => void this.look(), options.limits.topicsPollMs).unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /**
   * What a stream begins with. One topic that is not there does not hold up the others; of one that is there and cannot be
   * opened nobody knows where its readers stand. @throws AppError `unavailable`, `invalid_catalog`
   */
  async open(stream: ScopedStream): Promise<OpenSources> {
    const listed = hasPatterns(stream) ? await readable(this.options.topics()) : [];
    const { topics, absent } = this.plan(stream, listed);
    const results = await Promise.allSettled(topics.map((topic) => this.options.feeds.acquire(stream, topic)));
    const opened = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const feeds: TopicFeed[] = [];
    try {
      results.forEach((result, index) => {
        if (result.status === 'fulfilled') return;
        if (!isMissing(result.reason)) throw result.reason;
        absent.set(topics[index] ?? '', missing);
      });
      const named = namedTopics(stream);
      checkPartitions(opened.filter(({ topic }) => named.includes(topic)).map(({ rings }) => rings.length));
      if (opened.length === 0 && absent.size > 0) throw unreadable([...absent].join('; '));
    } catch (error) {
      for (const feed of opened) this.options.feeds.release(feed);
      throw AppError.from(error);
    }
    for (const feed of opened) {
      if (fits(feeds, feed)) feeds.push(feed);
      else this.refuse(feed, absent);
    }
    return { feeds, absent };
  }

  /** Whether there are topics now that were not, or the other way round. */
  private async look(): Promise<void> {
    const channels = [...this.options.channels].filter(
      ({ options, absent }) => absent.size > 0 || hasPatterns(options.stream),
    );
    if (this.looking || channels.length === 0) return;
    this.looking = true;
    try {
      const listed = new Set(await this.options.topics());
      for (const channel of channels) await this.renew(channel, listed);
    } catch (error) {
      this.options.logger.warn({ err: error }, 'topics could not be looked for');
    } finally {
      this.looking = false;
    }
  }

  private async renew(channel: StreamChannel, listed: ReadonlySet<string>): Promise<void> {
    // Closed while others were looked at: it has let its topics go, and another release would take them from who reads them.
    if (!this.options.channels.has(channel)) return;
    const { stream } = channel.options;
    for (const feed of channel.present) {
      // Said by the tail too, since a broker that has just started may list too little.
      if (channel.isNamed(feed) || !feed.deleted || listed.has(feed.topic)) continue;
      channel.dropSource(feed);
      this.options.feeds.release(feed);
    }
    const { topics, absent } = this.plan(stream, listed);
    const there = new Set(channel.present.map(({ topic }) => topic));
    for (const topic of topics) {
      if (there.has(topic)) continue;
      const reason = listed.has(topic) ? await this.add(channel, topic) : missing;
      if (reason !== undefined) absent.set(topic, reason);
    }
    channel.absent = absent;
  }

  /** Says why not. */
  private async add(channel: StreamChannel, topic: string): Promise<string | undefined> {
    const { channels, feeds, logger } = this.options;
    const { stream } = channel.options;
    try {
      const feed = await feeds.acquire(stream, topic);
      const reason = feed.deleted ? missing : fits(channel.present, feed) ? undefined : tooManyPartitions;
      if (reason !== undefined || !channels.has(channel)) {
        feeds.release(feed);
        return reason;
      }
      channel.addSource(feed);
      logger.info({ stream: stream.name, topic }, 'a topic became a source of a stream');
      return undefined;
    } catch (error) {
      return AppError.from(error).message;
    }
  }

  private refuse(feed: TopicFeed, absent: Map<string, string>): void {
    absent.set(feed.topic, tooManyPartitions);
    this.options.feeds.release(feed);
  }

  private plan(stream: ScopedStream, listed: Iterable<string>): { topics: string[]; absent: Map<string, string> } {
    const { maxTopics } = this.options.limits;
    const named = namedTopics(stream);
    const fitting = [...listed]
      .filter((topic) => !named.includes(topic) && sourceOfTopic(stream, topic) !== undefined)
      .sort();
    const room = Math.max(0, maxTopics - named.length);
    const absent = new Map(
      fitting.slice(room).map((topic) => [topic, `the stream has ${maxTopics} topics already`] as const),
    );
    return { topics: [...named, ...fitting.slice(0, room)], absent };
  }
}

function fits(feeds: readonly TopicFeed[], { rings }: TopicFeed): boolean {
  return feeds.reduce((sum, feed) => sum + feed.rings.length, rings.length) <= maxPartitions;
}

function isMissing(error: unknown): boolean {
  const cause = AppError.is(error) ? error.cause : undefined;
  return AppError.is(cause) && cause.code === 'not_found';
}
