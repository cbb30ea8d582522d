import { startKafka, startRedis, type KafkaCluster, type LocalStore } from '@tidegate/infra';
import { codes, type Batch } from '@tidegate/simulator';
import { setTimeout as sleep } from 'node:timers/promises';
import { CatalogCopy } from './support/catalog-copy';
import { DeviceDoor } from './support/device-door';
import { until } from './support/kafka-bench';
import { RawDevice, type RawDeviceOptions } from './support/raw-device';
import { readTelemetry } from './support/telemetry-log';

const batch = (): Batch => ({ times: [Date.now()], channels: [{ number: 1, digits: 0, values: [1] }] });

// One device, one session, over all replicas: the teardown of an old one touches nothing of the new (thingsboard PR#16162,
// emqx#151), and sequences go on over reconnects, replicas, reboots and their own end.
describe('sessions of devices', () => {
  let kafka: KafkaCluster;
  let redis: LocalStore;
  let door: DeviceDoor;
  let other: DeviceDoor;
  const catalog = new CatalogCopy();

  const open = (deviceId: string, options: Partial<RawDeviceOptions> = {}): Promise<RawDevice> =>
    RawDevice.open({ port: door.port, tokenKeys: door.tokenKeys, deviceId, ...options });
  const seqsOf = async (deviceId: string): Promise<string[]> => {
    const records = (await readTelemetry(kafka.brokers)).filter(({ key }) => key === `north/${deviceId}`);
    return records.map(({ boot, lane, seq }) => `${boot}/${lane}/${seq}`);
  };

  beforeAll(async () => {
    [kafka, redis] = await Promise.all([startKafka(), startRedis()]);
    door = await DeviceDoor.start({ brokers: kafka.brokers, redisUrl: redis.url, replica: 'iot-a' });
    const { tokenKeys } = door;
    const env = { CATALOG_DIR: catalog.directory };
    other = await DeviceDoor.start({ brokers: kafka.brokers, redisUrl: redis.url, replica: 'iot-b', tokenKeys, env });
  }, 120_000);

  afterAll(async () => {
    await Promise.all([door?.stop(), other?.stop()]);
    await Promise.all([kafka?.stop(), redis?.stop()]);
    catalog.remove();
  }, 60_000);

  it('end when the device connects again, with one Goodbye, and the newer one keeps all', async () => {
    const first = await open('taken', { bootId: 5 });
    first.write(first.telemetry(1));
    await first.untilAcked(1);
    const second = await open('taken', { bootId: 5 });
    await first.until(() => first.isClosed, 'closed');
    expect(first.all('goodbye')).toMatchObject([{ code: codes.sessionTaken }]);
    expect(first.last('goodbye')?.retryAfterMs).toBeGreaterThan(0);
    expect(second.last('welcome')).toMatchObject({ liveResumeSeq: 2 });
    second.write(second.telemetry(2));
    await second.untilAcked(2);
    expect(second.isClosed).toBe(false);
    second.cut();
  });

  it('move to another replica, which knows where to go on', async () => {
    const first = await open('moved', { bootId: 5 });
    first.write(first.telemetry(1), first.telemetry(2), first.telemetry(1, { lane: 1 }));
    await first.untilAcked(2);
    await first.untilAcked(1, 1);
    await sleep(400);
    const second = await open('moved', { bootId: 5, port: other.port });
    await first.until(() => first.isClosed, 'closed');
    expect(first.all('goodbye')).toMatchObject([{ code: codes.sessionTaken }]);
    expect(second.last('welcome')).toMatchObject({ liveResumeSeq: 3, backlogResumeSeq: 2 });
    second.write(second.telemetry(2), second.telemetry(3));
    await second.untilAcked(3);
    expect(second.isClosed).toBe(false);
    expect(await seqsOf('moved')).toEqual(expect.arrayContaining(['5/0/1', '5/0/2', '5/0/3', '5/1/1']));
    expect(await seqsOf('moved')).toHaveLength(4);
    second.cut();
  });

  it('know nothing of a device that was never here, and begin at 1 for a new boot', async () => {
    const unknown = await open('boots', { bootId: 5 });
    expect(unknown.last('welcome')).toMatchObject({ liveResumeSeq: 0, backlogResumeSeq: 0 });
    unknown.write(unknown.telemetry(40));
    await unknown.untilAcked(40);
    const rebooted = await open('boots', { bootId: 6 });
    expect(rebooted.last('welcome')).toMatchObject({ liveResumeSeq: 1, backlogResumeSeq: 1 });
    rebooted.write(rebooted.telemetry(1));
    await rebooted.untilAcked(1);
    expect(await seqsOf('boots')).toEqual(['5/0/40', '6/0/1']);
    rebooted.cut();
  });

  it('acknowledge a frame again that came again, and write it once', async () => {
    const device = await open('again');
    device.write(device.telemetry(1), device.telemetry(2));
    await device.untilAcked(2);
    device.write(device.telemetry(1));
    await device.until(
      () => device.all('ack').filter(({ upToSeq }) => upToSeq === 2).length === 2,
      'acknowledged again',
    );
    device.write(device.telemetry(3));
    await device.untilAcked(3);
    expect(await seqsOf('again')).toEqual(['1/0/1', '1/0/2', '1/0/3']);
    device.cut();
  });

  it('go on over the end of the sequence, and take a jump ahead', async () => {
    const device = await open('wrap');
    device.write(
      device.telemetry(0xffff_fffe),
      device.telemetry(0xffff_ffff),
      device.telemetry(1),
      device.telemetry(2),
    );
    await device.untilAcked(2);
    device.write(device.telemetry(7));
    await device.untilAcked(7);
    expect(await seqsOf('wrap')).toEqual(['1/0/4294967294', '1/0/4294967295', '1/0/1', '1/0/2', '1/0/7']);
    expect(await door.metric('tidegate_iot_sequence_jumps_total')).toBe(1);
    device.cut();
  });

  it('give the backlog 16 frames, refuse more for a while, and take those again in their order', async () => {
    const device = door.device({ deviceId: 'backlog' });
    await device.open();
    await kafka.nodes[0]?.pause();
    for (let frame = 0; frame < 40; frame += 1) device.send(batch(), 1);
    device.send(batch());
    await sleep(500);
    await kafka.nodes[0]?.resume();
    await device.until(() => device.pending === 0, 'acknowledged', 60_000);
    const seqs = (await seqsOf('backlog')).filter((name) => name.startsWith(`${name.split('/')[0]}/1/`));
    expect(seqs.map((name) => Number(name.split('/')[2]))).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
  }, 90_000);

  it('refuse the 17th frame of the backlog, discard what follows, and never pause for it', async () => {
    const device = await open('crowded');
    await kafka.nodes[0]?.pause();
    await sleep(300);
    device.write(...Array.from({ length: 20 }, (_, index) => device.telemetry(index + 1, { lane: 1 })));
    device.write(device.telemetry(1));
    await device.until(() => device.all('nack').length > 0, 'refused');
    await sleep(300);
    expect(device.all('nack')).toMatchObject([{ lane: 1, seq: 17, code: codes.rateLimited }]);
    await kafka.nodes[0]?.resume();
    await device.untilAcked(16, 1);
    await device.untilAcked(1);
    device.write(
      device.telemetry(18, { lane: 1 }),
      device.telemetry(17, { lane: 1 }),
      device.telemetry(18, { lane: 1 }),
    );
    await device.untilAcked(18, 1);
    expect((await seqsOf('crowded')).filter((name) => name === '1/1/18')).toHaveLength(1);
    device.cut();
  }, 90_000);

  it('stop reading when the window is full, and have nothing lost or twice', async () => {
    const device = await open('window');
    await kafka.nodes[0]?.pause();
    await sleep(300);
    device.write(...Array.from({ length: 200 }, (_, index) => device.telemetry(index + 1)));
    await sleep(1_000);
    expect(device.frames.filter(({ kind }) => kind !== 'welcome')).toEqual([]);
    await kafka.nodes[0]?.resume();
    await device.untilAcked(200);
    const seqs = await seqsOf('window');
    expect(new Set(seqs).size).toBe(200);
    device.cut();
  }, 90_000);

  it('answer a ping, and end with a bye', async () => {
    const device = door.device({ deviceId: 'ping', reconnect: false });
    await device.open();
    device.ping();
    await device.until(() => device.pongs === 1, 'ponged');
    await device.close();
    expect(device.isConnected).toBe(false);
    expect(device.goodbyes).toEqual([]);
  });

  it('slow twins down that take each other over without end', async () => {
    const startedAtMs = Date.now();
    for (let take = 0; take < 7; take += 1) await open('twin');
    expect(Date.now() - startedAtMs).toBeGreaterThan(2_500);
  }, 30_000);

  it('hold for a device while Redis is away, by what the replica knows itself', async () => {
    await redis.kill();
    const first = await open('redis-away', { bootId: 3 });
    first.write(first.telemetry(9));
    await first.untilAcked(9);
    const second = await open('redis-away', { bootId: 3 });
    await first.until(() => first.isClosed, 'closed');
    expect(second.last('welcome')).toMatchObject({ liveResumeSeq: 10 });
    second.cut();
    await redis.start();
  }, 30_000);

  it('end when the catalog has their tenant no more, and others have its new names of channels', async () => {
    const { port } = other;
    const stays = await open('stays', { port, schemaId: 'sensor-v1' });
    const leaves = await open('leaves', { port, tenant: 'south' });
    catalog.replace('devices.yaml', ['name: level', 'name: glucose']);
    catalog.edit('tenants.yaml', (text) => text.replace(/^ {2}south: .*\n/m, ''));
    await leaves.until(() => leaves.isClosed, 'closed');
    expect(leaves.all('goodbye')).toMatchObject([{ code: codes.forbidden, detail: 'The tenant is not served here.' }]);
    const refused = await open('leaves', { port, tenant: 'south' });
    expect([refused.isClosed, refused.all('goodbye')]).toMatchObject([true, [{ code: codes.forbidden }]]);
    stays.write(stays.telemetry(1));
    await stays.untilAcked(1);
    const [record] = (await readTelemetry(kafka.brokers)).filter(({ key }) => key === 'north/stays');
    expect(record?.value.samples).toMatchObject([{ ch: 'glucose' }]);
    catalog.edit('devices.yaml', () => 'schemas: 7');
    const health = async () => (await (await fetch(`${other.opsUrl}/readyz`)).json()) as object;
    await until('readiness says so', async () => JSON.stringify(await health()).includes('devices.yaml:1:'));
    expect(await health()).toMatchObject({ status: 'ready', checks: { devices: { ok: false, required: false } } });
    expect(stays.isClosed).toBe(false);
    stays.cut();
  });

  it('are told to come back at different times when the replica restarts, and lose nothing', async () => {
    const devices = Array.from({ length: 10 }, (_, index) => door.device({ deviceId: `restart-${index}` }));
    await Promise.all(devices.map((device) => device.open()));
    const load = setInterval(() => {
      for (const device of devices) device.send(batch());
    }, 10);
    await sleep(500);
    await door.process.stop();
    await sleep(300);
    clearInterval(load);
    const acked = devices.map(({ ackedFrames }) => ackedFrames);
    expect(devices.every(({ goodbyes }) => goodbyes.length === 1 && goodbyes[0]?.code === codes.restart)).toBe(true);
    expect(new Set(devices.map(({ goodbyes }) => goodbyes[0]?.retryAfterMs)).size).toBeGreaterThan(5);
    const records = await readTelemetry(kafka.brokers);
    devices.forEach((_, index) => {
      const written = new Set(records.filter(({ key }) => key === `north/restart-${index}`).map(({ seq }) => seq));
      expect(written.size).toBeGreaterThanOrEqual(acked[index] ?? 0);
    });
    await door.process.restart();
    await Promise.all(devices.map((device) => device.until(() => device.pending === 0, 'acknowledged', 40_000)));
  }, 90_000);
});
