import { fakeBroker, metadataOf, type FakeBroker } from './broker.fixture';
import { ByteReader } from './byte-reader';
import { ByteWriter } from './byte-writer';
import { kafkaCodes } from './errors';
import { decodeRecordSet } from './record-batch';

/** What a broker does with one partition of a request instead of writing it and saying so. */
export interface Fault {
  /** What it answers; without it, the connection is cut. */
  code?: number;
  /** Whether it writes the batch all the same. */
  written?: boolean;
  recordErrors?: { index: number; message: string }[];
}

export interface Try {
  node: number;
  connection: number;
  partition: number;
  values: string[];
}

interface Batch {
  epoch: number;
  first: number;
  last: number;
  offset: number;
}

const produceKey = 0;
const metadataKey = 3;

/** Brokers without disks, with one topic `t`: they keep its log and remember producers as Kafka does, and fail where they are told to. */
export class LogCluster {
  readonly tries: Try[] = [];
  /** Partitions of each request. */
  readonly requests: number[][] = [];
  readonly logs: string[][];
  fault: (attempt: Try) => Fault | undefined = () => undefined;
  /** Errors that the next requests for a producer id get. */
  idErrors: number[] = [];
  throttleMs = 0;
  /** Silent when false: nothing is answered, nothing written. */
  awake = true;
  private readonly brokers: FakeBroker[] = [];
  private readonly last = new Map<string, Batch>();
  private ids = 100n;

  private constructor(public leaders: number[]) {
    this.logs = leaders.map(() => []);
  }

  static async start(leaders: number[]): Promise<LogCluster> {
    const cluster = new LogCluster(leaders);
    for (let node = 1; node <= Math.max(...leaders); node += 1) {
      const broker = await fakeBroker(({ apiKey, body, connection }) => {
        if (!cluster.awake) return undefined;
        if (apiKey === metadataKey) return metadataOf(cluster.ports, 0, cluster.leaders);
        return apiKey === produceKey ? cluster.produce(node, connection, body) : cluster.nextId();
      });
      cluster.brokers.push(broker);
    }
    return cluster;
  }

  get addresses(): string[] {
    return this.ports.map((port) => `127.0.0.1:${port}`);
  }

  close(): void {
    for (const broker of this.brokers) broker.close();
  }

  private get ports(): number[] {
    return this.brokers.map(({ port }) => port);
  }

  private nextId(): Buffer {
    return new ByteWriter()
      .int32(0)
      .int16(this.idErrors.shift() ?? 0)
      .int64((this.ids += 1n))
      .int16(0)
      .finish();
  }

  private produce(node: number, connection: number, body: Buffer): Buffer | undefined {
    const reader = new ByteReader(body);
    reader.skip(8);
    const partitions = reader.array((topic) => {
      topic.string();
      return topic.array((each) => ({ partition: each.int32(), batch: each.nullableBytes() ?? Buffer.alloc(0) }));
    });
    this.requests.push(partitions.flat().map(({ partition }) => partition));
    const answers = partitions.flat().map(({ partition, batch }) => this.answer(node, connection, partition, batch));
    if (answers.includes(undefined)) {
      this.brokers[node - 1]?.cut();
      return undefined;
    }
    const writer = new ByteWriter();
    writer.array(['t'], (topic) => writer.string(topic).array(answers, (answer) => writer.raw(answer as Buffer)));
    return writer.int32(this.throttleMs).finish();
  }

  private answer(node: number, connection: number, partition: number, batch: Buffer): Buffer | undefined {
    const place = { topic: 't', partition, from: 0n, aborted: [], maxInflatedBytes: 10_000_000 };
    const { records, corrupt } = decodeRecordSet(batch, place);
    const values = records.map(({ value }) => String(value));
    const attempt = { node, connection, partition, values };
    this.tries.push(attempt);
    const fault = this.leaders[partition] === node ? this.fault(attempt) : { code: kafkaCodes.notLeaderOrFollower };
    const [code, offset] =
      fault && !fault.written
        ? [0, -1]
        : corrupt
          ? [kafkaCodes.corruptMessage, -1]
          : this.append(partition, batch, values);
    if (fault && fault.code === undefined) return undefined;
    const writer = new ByteWriter()
      .int32(partition)
      .int16(fault?.code ?? code)
      .int64(BigInt(offset));
    writer.int64(-1n).int64(0n);
    return writer
      .array(fault?.recordErrors ?? [], ({ index, message }) => writer.int32(index).string(message))
      .int16(-1)
      .finish();
  }

  /** As a broker's ProducerStateManager: error code and offset. */
  private append(partition: number, batch: Buffer, values: string[]): [number, number] {
    const [epoch, first] = [batch.readInt16BE(51), batch.readInt32BE(53)];
    const producer = `${batch.readBigInt64BE(43)}/${partition}`;
    const known = this.last.get(producer);
    const last = (first + values.length - 1) % 2 ** 31;
    if (known?.epoch === epoch && known.first === first && known.last === last) return [0, known.offset];
    if (known && epoch < known.epoch) return [kafkaCodes.invalidProducerEpoch, -1];
    const expected = known?.epoch === epoch ? (known.last + 1) % 2 ** 31 : 0;
    if (known && first !== expected) return [kafkaCodes.outOfOrderSequence, -1];
    const log = this.logs[partition] ?? [];
    this.last.set(producer, { epoch, first, last, offset: log.length });
    log.push(...values);
    return [0, log.length - values.length];
  }
}
