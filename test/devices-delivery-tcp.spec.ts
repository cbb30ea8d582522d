import { auditEventSchema, type JsonObject } from '@tidegate/contracts';
import { startKafka, type KafkaCluster } from '@tidegate/infra';
import { KafkaAdmin } from '@tidegate/kafka';
import type { Batch, CodecName } from '@tidegate/simulator';
import { createLogger, createRegistry } from '@tidegate/telemetry';
import { DeviceDoor } from './support/device-door';
import { TopicLog } from './support/topic-log';

const batchAt = (atMs: number): Batch => ({
  times: [atMs, atMs + 1_000],
  channels: [
    { number: 3, digits: 1, values: [12.8, 12.6] },
    { number: 4, digits: 0, values: [68, 59] },
  ],
});

// A frame that was acknowledged is in Kafka, as the same record whichever codec brought it.
describe('telemetry over TCP', () => {
  let kafka: KafkaCluster;
  let door: DeviceDoor;

  beforeAll(async () => {
    kafka = await startKafka();
    const deps = { logger: createLogger({ service: 'test', level: 'silent' }), registry: createRegistry() };
    const admin = new KafkaAdmin({ brokers: kafka.brokers }, deps);
    await admin.ensureTopics([{ topic: 'audit.events', partitions: 1 }]);
    await admin.close();
    door = await DeviceDoor.start({ brokers: kafka.brokers });
  }, 120_000);

  afterAll(async () => {
    await door?.stop();
    await kafka?.stop();
  });

  it.each<CodecName>(['protobuf', 'cbor'])('acknowledges a frame in %s once it is in Kafka', async (codec) => {
    const log = await TopicLog.open(kafka.brokers, 'iot.telemetry', 'latest');
    const device = door.device({ deviceId: `bike-${codec}`, codec, schemaId: 'bike-v1', bootId: 7 });
    const welcome = await device.open();
    expect(welcome).toMatchObject({
      maxFrameBytes: 65_536,
      windowFrames: 64,
      backlogWindowFrames: 16,
      windowBytes: 262_144,
    });
    const atMs = Math.floor(Date.now() / 1_000) * 1_000;
    device.send(batchAt(atMs));
    await device.until(() => device.ackedFrames === 1, 'acknowledged');
    await log.until((records) => records.length === 1);
    await log.close();
    const [record] = log.records;
    expect(record?.key).toBe(`north/bike-${codec}`);
    const tReceived = expect.any(String) as string;
    const [t1, t2] = [new Date(atMs).toISOString(), new Date(atMs + 1_000).toISOString()];
    expect(record?.value).toEqual({
      tenantId: 'north',
      deviceId: `bike-${codec}`,
      samples: [
        { ch: 'altitude', t: t1, tReceived, tq: 'synced', v: 12.8, u: 'm' },
        { ch: 'altitude', t: t2, tReceived, tq: 'synced', v: 12.6, u: 'm' },
        { ch: 'power', t: t1, tReceived, tq: 'synced', v: 68, u: 'W' },
        { ch: 'power', t: t2, tReceived, tq: 'synced', v: 59, u: 'W' },
      ],
    });
  });

  it('leaves the audit of its session, with the offsets that it wrote', async () => {
    const device = door.device({ deviceId: 'audited' });
    await device.open();
    device.send(batchAt(Date.now()));
    device.send(batchAt(Date.now()));
    await device.until(() => device.ackedFrames === 2, 'acknowledged');
    await device.close();
    const stranger = door.device({ deviceId: 'stranger', token: Buffer.alloc(22, 1), reconnect: false });
    await expect(stranger.open()).rejects.toThrow('refused');

    const audit = await TopicLog.open(kafka.brokers, 'audit.events', 'earliest');
    const dataOf = (type: string, name: string): JsonObject | undefined => {
      const events = audit.records.map(
        ({ value }) => value as { type: string; data: { resource: { device?: string } } },
      );
      return events.find((event) => event.type === type && event.data.resource.device === `north/${name}`)?.data;
    };
    await audit.until(() => dataOf('tidegate.audit.device.refused', 'stranger') !== undefined);
    await audit.close();
    for (const { value } of audit.records) auditEventSchema.parse(value);
    const ranges = [{ partition: expect.any(Number) as number, from: expect.stringMatching(/^\d+$/) as string }];
    expect(dataOf('tidegate.audit.device.start', 'audited')).toMatchObject({ decision: 'allow', outcome: 'welcome' });
    expect(dataOf('tidegate.audit.device.end', 'audited')).toMatchObject({
      ...{ decision: 'allow', outcome: 'bye', actor: { type: 'device', subject: 'audited', tenant: 'north' } },
      resource: { topics: [{ topic: 'iot.telemetry', ranges }] },
    });
    expect(dataOf('tidegate.audit.device.refused', 'stranger')).toMatchObject({
      decision: 'deny',
      outcome: 'unauthenticated',
    });
  });
});
