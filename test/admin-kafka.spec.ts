import { ConsumerGroup, KafkaAdmin } from '@tidegate/kafka';
import { KafkaBench, neverHopeless, until } from './support/kafka-bench';

describe(KafkaAdmin.name, () => {
  let bench: KafkaBench;
  let admin: KafkaAdmin;

  beforeAll(async () => {
    bench = await KafkaBench.start();
    admin = bench.closed(new KafkaAdmin(bench.options, bench.deps));
  });

  afterAll(() => bench.stop());

  it('makes what is missing, ready to be written to, and leaves what is there as it is', async () => {
    const reader = bench.reader();
    await admin.ensureTopics([{ topic: 'kept', partitions: 2, config: { 'cleanup.policy': 'compact' } }]);
    const { topicId } = await reader.topic('kept');
    const specs = [
      { topic: 'kept', partitions: 7 },
      { topic: 'made', partitions: 3, replicationFactor: 1 },
    ];
    await Promise.all([admin.ensureTopics(specs), admin.ensureTopics(specs)]);
    expect(await reader.topic('kept')).toEqual({ topicId, partitions: 2 });
    expect(await reader.topic('made')).toMatchObject({ partitions: 3 });
    await bench.producer().send({ topic: 'made', key: null, value: 'x' });
  });

  it('keeps positions for a group that nobody joins, where the tools of Kafka see them', async () => {
    const topic = await bench.topic(2);
    expect(await admin.committedOffsets('positions', topic)).toEqual([]);
    const beyondDoubles = 2n ** 53n + 1n;
    await admin.commitOffsets('positions', topic, [
      { partition: 1, offset: beyondDoubles, metadata: 'topic-id' },
      { partition: 0, offset: 5n },
    ]);
    expect(await admin.committedOffsets('positions', topic)).toEqual([
      { partition: 0, offset: 5n, metadata: '' },
      { partition: 1, offset: beyondDoubles, metadata: 'topic-id' },
    ]);
    const [seen] = await bench.admin.fetchOffsets({ groupId: 'positions', topics: [topic] });
    expect(seen?.partitions.map(({ partition, offset }) => `${partition}:${offset}`).sort()).toEqual([
      '0:5',
      `1:${beyondDoubles}`,
    ]);
  });

  it('moves nothing under the feet of a member, and nothing of a topic that is not there', async () => {
    const topic = await bench.topic(1);
    const settings = {
      groupId: 'joined',
      topics: [topic],
      onBatch: () => Promise.resolve(),
      onHopeless: neverHopeless,
      deps: bench.deps,
    };
    const group = new ConsumerGroup(bench.options, settings);
    await group.start();
    await until('the member has joined', () => group.check().ok);
    const commit = (groupId: string, to: string) => admin.commitOffsets(groupId, to, [{ partition: 0, offset: 0n }]);
    await expect(commit('joined', topic)).rejects.toMatchObject({ code: 'conflict' });
    await expect(commit('free', 'nowhere')).rejects.toMatchObject({ code: 'not_found' });
    await expect(admin.deleteGroup('joined')).rejects.toMatchObject({ code: 'conflict' });
    await group.stop();
    await commit('joined', topic);
  });

  it('forgets a group, and minds none that is not there', async () => {
    const topic = await bench.topic(1);
    await admin.commitOffsets('forgotten', topic, [{ partition: 0, offset: 1n }]);
    await Promise.all([admin.deleteGroup('forgotten'), admin.deleteGroup('never-there')]);
    expect(await admin.committedOffsets('forgotten', topic)).toEqual([]);
    const { groups } = await bench.admin.listGroups();
    expect(groups.map(({ groupId }) => groupId)).not.toContain('forgotten');
  });

  it('is unavailable while Kafka is away, and works afterwards', async () => {
    await bench.node.kill();
    await expect(admin.ensureTopics([{ topic: 'later', partitions: 1 }])).rejects.toMatchObject({
      code: 'unavailable',
    });
    await bench.node.restart();
    await admin.ensureTopics([{ topic: 'later', partitions: 1 }]);
  });
});
