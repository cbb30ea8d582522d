import type { RangeReader } from '@tidegate/kafka';
import type { Feeds } from './feeds';
import { Pump } from './pump';
import { DecodedRows, RowDecoder, type RowDecoderOptions } from './row-decoder';
import type { ScopedStream } from './scoped-stream';
import { SharedByUse } from './shared-by-use';
import { StreamChannel, type ChannelOptions } from './stream-channel';
import { definitionOf } from './stream-definition';
import { StreamSources } from './stream-sources';

/** What all of them share. */
export interface ChannelsOptions
  extends
    Pick<ChannelOptions, 'buckets' | 'seal' | 'limits' | 'metrics' | 'logger' | 'now'>,
    Pick<RowDecoderOptions, 'deadLetters'> {
  feeds: Feeds;
  ranges: Pick<RangeReader, 'topics'>;
  /** Whether the catalog does not have it like that any more. */
  isOver: (channel: StreamChannel) => boolean;
}

/** By the size of their records; the rows themselves weigh some times that. */
const decodedRowsBytes = 8 * 1024 * 1024;

/** The streams that somebody in the process reads, each with one channel for all who read it in the same scope. */
export class Channels {
  private readonly open = new Set<StreamChannel>();
  private readonly shared: SharedByUse<StreamChannel>;
  private readonly sources: StreamSources;
  private readonly pump: Pump;
  private readonly decodedRows = new DecodedRows(decodedRowsBytes);

  constructor(private readonly options: ChannelsOptions) {
    const { feeds, ranges, limits, logger, now, isOver } = options;
    this.shared = new SharedByUse({
      close: (channel) => this.closeChannel(channel),
      // Last values took some loading.
      lingerMs: (channel) => (channel.lastValues === undefined || isOver(channel) ? 0 : limits.tailLingerMs),
    });
    this.sources = new StreamSources({
      ...{ feeds, limits, logger },
      channels: this.open,
      topics: () => ranges.topics(),
    });
    this.pump = new Pump({ channels: this.open, tickMs: limits.tickMs, now });
  }

  /** Each one wants a `release`. @throws AppError `unavailable`, `invalid_catalog` */
  acquire(stream: ScopedStream): Promise<StreamChannel> {
    return this.shared.acquire(definitionOf(stream), () => this.openChannel(stream));
  }

  release(channel: StreamChannel): void {
    this.shared.release(definitionOf(channel.options.stream), channel);
  }

  /** A session that is behind may get on. */
  progressed(): void {
    this.pump.progressed();
  }

  /** The catalog has changed: closes what nobody reads and nobody will. */
  endIdle(): void {
    this.shared.endIdle(this.options.isOver);
  }

  async closeAll(): Promise<void> {
    this.pump.stop();
    this.sources.stop();
    await this.shared.closeAll();
  }

  /** Why topics are not read that streams should be made of. */
  troubles(): string[] {
    return [...this.open].flatMap(({ absent }) => [...absent].map(([topic, reason]) => `${topic}: ${reason}`));
  }

  private async openChannel(stream: ScopedStream): Promise<StreamChannel> {
    const { buckets, seal, limits, metrics, logger, deadLetters, now } = this.options;
    const { decodedRows } = this;
    const sources = await this.sources.open(stream);
    const channel = new StreamChannel({
      ...{ stream, ...sources, buckets, seal, limits, metrics, logger, now },
      decoder: new RowDecoder({ stream, metrics, logger, decodedRows, deadLetters, now }),
      onArrival: this.pump.arrived,
      onProgress: this.pump.progressed,
    });
    this.open.add(channel);
    return channel;
  }

  private closeChannel(channel: StreamChannel): void {
    this.open.delete(channel);
    channel.close();
    for (const feed of channel.present) this.options.feeds.release(feed);
  }
}
