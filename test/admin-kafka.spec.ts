import { KafkaAdmin } from '@tidegate/kafka';
import { KafkaBench } from './support/kafka-bench';

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

  it('is unavailable while Kafka is away, and works afterwards', async () => {
    await bench.node.kill();
    await expect(admin.ensureTopics([{ topic: 'later', partitions: 1 }])).rejects.toMatchObject({
      code: 'unavailable',
    });
    await bench.node.restart();
    await admin.ensureTopics([{ topic: 'later', partitions: 1 }]);
  });
});
