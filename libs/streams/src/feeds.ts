import { formatOfTopic } from './formats';
import type { RangeBuckets } from './range-buckets';
import type { ScopedStream } from './scoped-stream';
import { SharedByUse } from './shared-by-use';
import { TopicFeed, type FeedDeps } from './topic-feed';

export interface FeedsOptions extends FeedDeps {
  buckets: RangeBuckets;
  onDeleted: (feed: TopicFeed) => void;
}

/** The topics that somebody in the process reads, each with one tail for all of them. */
export class Feeds {
  private readonly open = new Set<TopicFeed>();
  private readonly shared: SharedByUse<TopicFeed>;

  constructor(private readonly options: FeedsOptions) {
    this.shared = new SharedByUse({
      close: (feed) => this.closeFeed(feed),
      lingerMs: () => options.limits.tailLingerMs,
    });
  }

  /** Each one wants a `release`. @throws AppError `unavailable` */
  async acquire(stream: ScopedStream, topic: string): Promise<TopicFeed> {
    const anew = formatOfTopic(stream, topic) === 'avro' && this.options.schemas.need(topic);
    const feed = await this.shared.acquire(topic, () => this.openFeed(topic));
    if (anew) this.readAnew(feed);
    return feed;
  }

  release(feed: TopicFeed): void {
    this.shared.release(feed.topic, feed);
  }

  closeAll(): Promise<void> {
    return this.shared.closeAll();
  }

  /** Why something new of a topic is not given to anybody at the moment. */
  troubles(): string[] {
    return [...this.open].flatMap(({ topic, unavailable, waitsFor }) =>
      [unavailable, waitsFor].flatMap((reason) => (reason === undefined ? [] : [`${topic}: ${reason}`])),
    );
  }

  private async openFeed(topic: string): Promise<TopicFeed> {
    const { buckets, onDeleted } = this.options;
    const feed = new TopicFeed(topic, this.options);
    await feed.open();
    this.open.add(feed);
    feed.listen({
      onRecords: () => undefined,
      onReset: (_feed, _reason, partition) => buckets.forget(topic, partition),
      onPartition: () => undefined,
      onSkip: () => undefined,
      onDeleted,
    });
    return feed;
  }

  private closeFeed(feed: TopicFeed): Promise<void> {
    this.open.delete(feed);
    return feed.close();
  }

  /** What came when its records wanted no schemas has none. */
  private readAnew(feed: TopicFeed): void {
    feed.forget();
    this.options.buckets.forget(feed.topic);
  }
}
