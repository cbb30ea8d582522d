import { createLogger } from '@tidegate/telemetry';
import type { Feeds } from './feeds';
import type { StreamChannel } from './stream-channel';
import { StreamSources } from './stream-sources';
import type { TopicFeed } from './topic-feed';

it('lets a topic go once only where its stream is closed while topics are looked for', async () => {
  const feed = { topic: 'a.1', deleted: true, rings: [] } as unknown as TopicFeed;
  const channel = {
    options: { stream: { name: 'orders', sources: [{ pattern: 'a.*' }] } },
    absent: new Map(),
    present: [feed],
    isNamed: () => false,
    dropSource: () => undefined,
  } as unknown as StreamChannel;
  const channels = new Set([channel]);
  const released: TopicFeed[] = [];
  const feeds = { release: (gone: TopicFeed) => void released.push(gone) } as unknown as Feeds;
  const sources = await new Promise<StreamSources>((resolve) => {
    const made: StreamSources = new StreamSources({
      channels,
      feeds,
      topics: () => {
        channels.delete(channel);
        resolve(made);
        return Promise.resolve([]);
      },
      limits: { topicsPollMs: 1, maxTopics: 10 },
      logger: createLogger({ service: 'test', level: 'silent' }),
    });
  });
  await new Promise(setImmediate);
  sources.stop();
  expect(released).toEqual([]);
});
