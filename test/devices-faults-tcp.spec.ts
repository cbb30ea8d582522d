import { startKafka, type KafkaCluster } from '@tidegate/infra';
import type { Batch, SimulatedDevice } from '@tidegate/simulator';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeviceDoor } from './support/device-door';
import { readTelemetry } from './support/telemetry-log';

const batch = (): Batch => ({ times: [Date.now()], channels: [{ number: 1, digits: 1, values: [21.5] }] });

// Kafka dies, hangs and is missing: no acknowledged frame is lost, nobody is disconnected, and all flows again by itself.
describe('devices while Kafka fails', () => {
  let kafka: KafkaCluster;
  let door: DeviceDoor;
  const acked = new Set<string>();

  const fleet = (name: string, count: number): SimulatedDevice[] =>
    Array.from({ length: count }, (_, index) => {
      const deviceId = `${name}-${index}`;
      const codec = index % 2 === 0 ? 'protobuf' : 'cbor';
      const onAcked = (lane: number, seq: number): void => void acked.add(`north/${deviceId} ${lane} ${seq}`);
      return door.device({ deviceId, codec, onAcked });
    });

  const missing = async (): Promise<string[]> => {
    const written = new Set((await readTelemetry(kafka.brokers)).map(({ key, lane, seq }) => `${key} ${lane} ${seq}`));
    return [...acked].filter((frame) => !written.has(frame));
  };

  beforeAll(async () => {
    kafka = await startKafka();
    await kafka.nodes[0]?.kill();
    door = await DeviceDoor.start({ brokers: kafka.brokers, until: 'live' });
  }, 120_000);

  afterAll(async () => {
    await door?.stop();
    await kafka?.stop();
  }, 60_000);

  it('are welcome without Kafka, get no acknowledgement, and all of them once it is there', async () => {
    const devices = fleet('early', 4);
    await Promise.all(devices.map((device) => device.open()));
    for (const device of devices)
      for (let frame = 0; frame < 100; frame += 1) device.send(batch(), frame % 4 === 0 ? 1 : 0);
    await sleep(3_000);
    expect(devices.map(({ ackedFrames }) => ackedFrames)).toEqual([0, 0, 0, 0]);
    expect((await fetch(`${door.opsUrl}/readyz`)).status).toBe(503);
    await kafka.nodes[0]?.start();
    await Promise.all(devices.map((device) => device.until(() => device.ackedFrames === 100, 'acknowledged', 60_000)));
    expect(devices.map(({ connections }) => connections)).toEqual([1, 1, 1, 1]);
    expect(await missing()).toEqual([]);
  }, 120_000);

  it('lose nothing that was acknowledged when the broker is killed under load, and need no hand', async () => {
    const devices = fleet('load', 20);
    await Promise.all(devices.map((device) => device.open()));
    const load = setInterval(() => {
      for (const device of devices) device.send(batch());
    }, 20);
    await sleep(1_500);
    await kafka.nodes[0]?.kill();
    await sleep(2_000);
    const atOutage = devices.reduce((sum, { ackedFrames }) => sum + ackedFrames, 0);
    await kafka.nodes[0]?.start();
    await sleep(2_000);
    clearInterval(load);
    await Promise.all(devices.map((device) => device.until(() => device.pending === 0, 'acknowledged', 60_000)));
    expect(devices.every(({ connections }) => connections === 1)).toBe(true);
    expect(devices.reduce((sum, { ackedFrames }) => sum + ackedFrames, 0)).toBeGreaterThan(atOutage);
    expect(await missing()).toEqual([]);
  }, 120_000);

  it('wait while the broker hangs, and go on after it', async () => {
    const [device] = fleet('hang', 1) as [SimulatedDevice];
    await device.open();
    await kafka.nodes[0]?.pause();
    // Its threads do not all stop at once.
    await sleep(500);
    for (let frame = 0; frame < 200; frame += 1) device.send(batch());
    await sleep(2_000);
    expect(device.ackedFrames).toBe(0);
    await kafka.nodes[0]?.resume();
    await device.until(() => device.pending === 0, 'acknowledged', 60_000);
    expect(device.connections).toBe(1);
    expect(await missing()).toEqual([]);
  }, 120_000);

  it('keep their order in the partition', async () => {
    const records = (await readTelemetry(kafka.brokers)).filter(({ key }) => key.startsWith('north/load-'));
    const first = new Map<string, number[]>();
    for (const { key, seq } of records) {
      const seqs = first.get(key) ?? [];
      if (!seqs.includes(Number(seq))) seqs.push(Number(seq));
      first.set(key, seqs);
    }
    expect(first.size).toBe(20);
    for (const seqs of first.values()) expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
  });
});
