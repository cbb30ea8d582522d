import { startKafka, type KafkaCluster } from '@tidegate/infra';
import { codes, framed, type Batch, type CodecName, type SimulatedDevice } from '@tidegate/simulator';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeviceDoor } from './support/device-door';
import { RawDevice } from './support/raw-device';

const batch = (): Batch => ({ times: [Date.now()], channels: [{ number: 1, digits: 0, values: [1] }] });

// A length prefix reserves memory before its body comes (pixie PR#139, message-io#161), small frames with deep structure kill
// the process (protobufjs#2121, cbor-x#27): hostile peers get their refusal, others their acknowledgements, and the process
// stays as large as it was.
describe('hostile frames over TCP', () => {
  let kafka: KafkaCluster;
  let door: DeviceDoor;
  let bystander: SimulatedDevice;
  let names = 0;

  const options = (codec: CodecName = 'protobuf') => ({
    ...{ port: door.port, tokenKeys: door.tokenKeys, codec },
    deviceId: `raw-${(names += 1)}`,
  });
  const open = (codec?: CodecName): Promise<RawDevice> => RawDevice.open(options(codec));
  const connect = (codec?: CodecName): Promise<RawDevice> => RawDevice.connect(options(codec));
  const rssBytes = (): Promise<number> => door.metric('process_resident_memory_bytes');
  const goodbyeTo = async (device: RawDevice): Promise<number | undefined> => {
    await device.until(() => device.isClosed, 'closed');
    return device.last('goodbye')?.code;
  };

  beforeAll(async () => {
    kafka = await startKafka();
    door = await DeviceDoor.start({ brokers: kafka.brokers });
    bystander = door.device({ deviceId: 'bystander', reconnect: false });
    await bystander.open();
  }, 120_000);

  afterEach(async () => {
    bystander.send(batch());
    await bystander.until(() => bystander.pending === 0, 'acknowledged');
    expect(bystander.connections).toBe(1);
  });

  afterAll(async () => {
    await door?.stop();
    await kafka?.stop();
  }, 60_000);

  it.each([
    ['ffffffff', codes.tooLarge],
    ['00010001', codes.tooLarge],
    ['00000000', codes.malformed],
  ])('ends a connection for the length %s with its reason', async (length, code) => {
    const device = await open();
    device.write(Buffer.from(length, 'hex'));
    expect(await goodbyeTo(device)).toBe(code);
  });

  it('takes a frame of the largest length', async () => {
    const device = await open();
    device.write(framed(Buffer.alloc(65_536, 0xff)), device.telemetry(1));
    await device.untilAcked(1);
    expect(device.all('nack')).toMatchObject([{ lane: 0, seq: 0, code: codes.malformed }]);
    device.cut();
  });

  it('stays as small as it is while 500 sockets claim the most and are silent', async () => {
    const before = await rssBytes();
    const silent = await Promise.all(Array.from({ length: 500 }, () => connect()));
    for (const device of silent) device.write(device.preface(), Buffer.from([0, 1, 0, 0, 1]));
    await sleep(500);
    expect((await rssBytes()) - before).toBeLessThan(20_000_000);
    await Promise.all(silent.map((device) => device.until(() => device.isClosed, 'closed', 15_000)));
    expect(silent.every((device) => device.last('goodbye')?.code === codes.timeout)).toBe(true);
  }, 60_000);

  it.each<CodecName>(['protobuf', 'cbor'])(
    'reads a session in %s cut at every byte, and in single bytes',
    async (codec) => {
      const sessions = Array.from({ length: 160 }, async (_, cut) => {
        const device = await connect(codec);
        const bytes = Buffer.concat([device.preface(), device.hello(), device.telemetry(1)]);
        if (cut === 0) for (const byte of bytes) device.write(Buffer.from([byte]));
        else {
          device.write(bytes.subarray(0, cut));
          await sleep(5);
          device.write(bytes.subarray(cut));
        }
        await device.untilAcked(1);
        device.cut();
      });
      await Promise.all(sessions);
    },
  );

  it('takes preface, Hello and 50 frames in one write', async () => {
    const device = await connect();
    const frames = Array.from({ length: 50 }, (_, index) => device.telemetry(index + 1));
    device.write(device.preface(), device.hello(), ...frames);
    await device.untilAcked(50);
    device.cut();
  });

  it.each<[string, CodecName, Buffer]>([
    ['Protobuf groups, 21,000 deep', 'protobuf', Buffer.alloc(21_000, 0x7b)],
    ['CBOR arrays, 60,000 deep', 'cbor', Buffer.alloc(60_000, 0x81)],
    ['indefinite CBOR arrays, 20,000 deep', 'cbor', Buffer.alloc(20_000, 0x9f)],
    ['CBOR that claims 2^63 bytes', 'cbor', Buffer.from('5b7fffffffffffffff', 'hex')],
    ['JSON', 'cbor', Buffer.from('{"seq":1}')],
    ['a prototype', 'cbor', Buffer.from('8201a1695f5f70726f746f5f5fa167697341646d696ef5', 'hex')],
    ['bytes after a frame', 'cbor', Buffer.from('82050000', 'hex')],
  ])('refuses %s and goes on with the connection', async (_what, codec, body) => {
    const before = await rssBytes();
    const device = await open(codec);
    device.write(framed(body), device.telemetry(1));
    await device.untilAcked(1);
    expect(device.all('nack')).toMatchObject([{ lane: 0, seq: 0, code: codes.malformed }]);
    expect((await rssBytes()) - before).toBeLessThan(20_000_000);
    device.cut();
  });

  it('ends the connection for the third body that cannot be decoded', async () => {
    const device = await open();
    const bad = framed(Buffer.from('ff', 'hex'));
    device.write(bad, bad);
    await device.until(() => device.all('nack').length === 2, 'refused twice');
    expect(device.isClosed).toBe(false);
    device.write(bad);
    expect(await goodbyeTo(device)).toBe(codes.malformed);
  });

  it.each<[string, (device: RawDevice) => Uint8Array[], number]>([
    ['another protocol', () => [Buffer.from('GET / HTTP/1.1\r\n\r\n')], codes.protocol],
    ['an unknown codec', (device) => [device.preface(9)], codes.unsupported],
    ['telemetry before Hello', (device) => [device.preface(), device.telemetry(1)], codes.protocol],
    ['a second Hello', (device) => [device.preface(), device.hello(), device.hello()], codes.protocol],
    [
      'a Hello that cannot be decoded',
      (device) => [device.preface(), framed(Buffer.from('ff', 'hex'))],
      codes.malformed,
    ],
    [
      'another token',
      (device) => [device.preface(), device.hello({ token: Buffer.alloc(22, 1) })],
      codes.unauthenticated,
    ],
    ['no token', (device) => [device.preface(), device.hello({ token: Buffer.alloc(0) })], codes.unauthenticated],
    [
      'the token of another device',
      (device) => [device.preface(), device.hello({ deviceId: 'other' })],
      codes.unauthenticated,
    ],
    ['an illegal name', (device) => [device.preface(), device.hello({ deviceId: 'a/b' })], codes.malformed],
  ])('ends a connection that begins with %s', async (_what, bytes, code) => {
    const device = await connect();
    device.write(...bytes(device));
    expect(await goodbyeTo(device)).toBe(code);
  });

  it('ends a connection that says nothing in 5 s, and one that does not finish a frame in 10 s', async () => {
    const [silent, unfinished] = [await connect(), await open()];
    unfinished.write(Buffer.from([0, 0, 1, 0, 1]));
    const drip = setInterval(() => unfinished.write(Buffer.from([1])), 500);
    const startedAtMs = Date.now();
    expect(await goodbyeTo(silent)).toBe(codes.timeout);
    expect(Date.now() - startedAtMs).toBeGreaterThan(4_000);
    expect(await goodbyeTo(unfinished)).toBe(codes.timeout);
    clearInterval(drip);
    expect(Date.now() - startedAtMs).toBeGreaterThan(9_000);
    expect(Date.now() - startedAtMs).toBeLessThan(14_000);
  }, 30_000);
});
