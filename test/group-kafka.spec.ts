import {
  ConsumerGroup,
  KafkaHealth,
  type ConsumerGroupOptions,
  type ConsumerGroupSettings,
  type Producer,
} from '@tidegate/kafka';
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } from 'kafkajs';
import { setTimeout as sleep } from 'node:timers/promises';
import { KafkaBench, neverHopeless, until, valueOf } from './support/kafka-bench';

describe('a consumer group of Kafka', () => {
  let bench: KafkaBench;
  let producer: Producer;

  beforeAll(async () => {
    bench = await KafkaBench.start(1, {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'allow.everyone.if.no.acl.found': true,
      'group.max.session.timeout.ms': 60_000,
    });
    producer = bench.producer();
  });

  afterAll(() => bench.stop());

  const join = async (
    topic: string,
    onBatch: ConsumerGroupSettings['onBatch'],
    settings: Partial<ConsumerGroupOptions & ConsumerGroupSettings> = {},
  ): Promise<ConsumerGroup> => {
    const groupId = `g-${topic}`;
    const group = new ConsumerGroup(
      { ...bench.options, sessionTimeoutMs: 6_000, ...settings },
      { groupId, topics: [topic], onBatch, onHopeless: neverHopeless, deps: bench.deps, ...settings },
    );
    await group.start();
    return group;
  };

  const write = (topic: string, values: string[]) =>
    Promise.all(values.map((value) => producer.send({ topic, key: 'k', value, headers: { h: value } })));

  it('reads from the start, commits what it has done, and goes on there after it was stopped', async () => {
    const topic = await bench.topic(2, { 'compression.type': 'zstd' });
    await write(topic, ['a', 'b']);
    const first: string[] = [];
    const group = await join(topic, (records) => {
      for (const record of records)
        first.push(`${valueOf(record)} ${String(record.headers()[0]?.[1])} ${record.offset}`);
      return Promise.resolve();
    });
    await until('the first two', () => first.length === 2);
    expect(first).toEqual(['a a 0', 'b b 1']);
    expect(await new KafkaHealth([group]).check()).toEqual({ ok: true });
    await group.stop();

    await write(topic, ['c']);
    const second: string[] = [];
    const again = await join(topic, (records) => {
      second.push(...records.map(valueOf));
      return Promise.resolve();
    });
    await until('the third', () => second.length > 0);
    await again.stop();
    expect(second).toEqual(['c']);
  });

  it('gives a batch again whose work failed, and nothing behind it before', async () => {
    const topic = await bench.topic(1);
    await write(topic, ['a', 'b']);
    const seen: string[] = [];
    let failures = 2;
    const group = await join(topic, (records) => {
      seen.push(records.map(valueOf).join());
      return failures-- > 0 ? Promise.reject(new Error('not now')) : Promise.resolve();
    });
    await until('success', () => seen.length === 3);
    await group.stop();
    expect(seen).toEqual(['a,b', 'a,b', 'a,b']);
  });

  it('does not lose its membership while one batch takes longer than its session', async () => {
    const topic = await bench.topic(1);
    await write(topic, ['slow']);
    const seen: string[] = [];
    const group = await join(topic, async (records) => {
      seen.push(...records.map(valueOf));
      if (seen.length === 1) await sleep(8_000);
    });
    await until('the slow one', () => seen.length === 1);
    await sleep(8_500);
    await write(topic, ['next']);
    await until('the next one', () => seen.includes('next'));
    await group.stop();
    expect(seen).toEqual(['slow', 'next']);
  });

  it('joins when its broker comes, and again after it was killed, without losing anything', async () => {
    const topic = await bench.topic(1);
    const seen = new Set<string>();
    await bench.node.kill();
    const takeAll: ConsumerGroupSettings['onBatch'] = (records) => {
      for (const record of records) seen.add(valueOf(record));
      return Promise.resolve();
    };
    // Kafka away is never hopeless, however little patience there is.
    const group = await join(topic, takeAll, { hopelessAfterMs: 2_000 });
    await sleep(2_500);
    expect(group.check()).toMatchObject({ ok: false });
    await bench.node.restart();
    await write(topic, ['before']);
    await until('the first record', () => seen.has('before'));
    await bench.node.kill();
    await bench.node.restart();
    await write(topic, ['after']);
    await until('the record after the crash', () => seen.has('after'), 30_000);
    expect(group.check()).toEqual({ ok: true });
    await group.stop();
  }, 90_000);

  const hopelessBy = async (settings: Partial<ConsumerGroupOptions & ConsumerGroupSettings>): Promise<unknown> => {
    const topic = await bench.topic(1);
    let hopeless: unknown;
    const onHopeless = (error: Error) => {
      hopeless = error;
    };
    const group = await join(topic, () => Promise.resolve(), { onHopeless, ...settings });
    await until('it is hopeless', () => hopeless !== undefined);
    expect(group.check()).toMatchObject({ ok: false });
    await group.stop();
    return hopeless;
  };

  it('ends when Kafka refuses it, and when it cannot join for too long though Kafka answers', async () => {
    const groupId = 'forbidden';
    await bench.admin.createAcls({
      acl: [
        {
          ...{ resourceType: AclResourceTypes.GROUP, resourceName: groupId },
          ...{ resourcePatternType: ResourcePatternTypes.LITERAL, principal: 'User:*', host: '*' },
          ...{ operation: AclOperationTypes.ALL, permissionType: AclPermissionTypes.DENY },
        },
      ],
    });
    const refused = hopelessBy({ groupId, hopelessAfterMs: 600_000 });
    const misfit = hopelessBy({ sessionTimeoutMs: 70_000, hopelessAfterMs: 600_000 });
    const tooLong = hopelessBy({ topics: ['nowhere'], hopelessAfterMs: 1_000 });
    expect(await refused).toMatchObject({ code: 'upstream_failed' });
    expect(await misfit).toMatchObject({ code: 'unavailable' });
    expect(await tooLong).toMatchObject({ code: 'not_found' });
  });

  it('shows how far it is behind, also while its work fails', async () => {
    const topic = await bench.topic(2);
    await Promise.all([0, 1, 1].map((partition) => producer.send({ topic, key: null, value: 'x', partition })));
    const deps = bench.deps;
    let failing = true;
    const onBatch = () => (failing ? Promise.reject(new Error('not now')) : Promise.resolve());
    const group = await join(topic, onBatch, { deps, hopelessAfterMs: 1 });
    const lag = async () => (await deps.registry.metrics()).match(/kafka_group_lag_records\{.*\} (\d+)/)?.[1];
    await until('all three are behind', async () => (await lag()) === '3', 30_000);
    failing = false;
    await until('none is', async () => (await lag()) === '0', 30_000);
    await group.stop();
  });
});
