import { kafkaTool } from '@tidegate/infra';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';

/** A record as Java's tools take it from and print it to a line. */
export interface JavaRecord {
  headers: [string, string | null][];
  key: string | null;
  value: string | null;
}

export type PlacedJavaRecord = JavaRecord & { partition: number; offset: string };

export interface JavaTransaction {
  topic: string;
  transactionalId: string;
  value: string;
  records: number;
  recordsPerSecond: number;
}

const nullMarker = 'NULL';
/** A tool that waits for what never comes. */
const timeoutMs = 60_000;

/** Kafka's own tools on Java's client, each in a process of its own. */
export class JavaTools {
  private readonly running = new Set<ChildProcess>();
  private readonly directory = mkdtempSync(path.join(tmpdir(), 'java-tools-'));

  constructor(private readonly brokers: readonly string[]) {}

  /** Writes records with the console producer, which knows all codecs. */
  async write(topic: string, records: readonly JavaRecord[], compression: string): Promise<void> {
    const reading = { 'parse.key': true, 'parse.headers': true, 'key.separator': '\t', 'null.marker': nullMarker };
    const properties = Object.entries({ ...reading, 'headers.delimiter': '\t' }).map(
      ([name, value]) => `${name}=${value}`,
    );
    const args = ['--bootstrap-server', this.brokers.join(), '--topic', topic, '--compression-codec', compression];
    const lines = records.map((record) => `${lineOf(record)}\n`).join('');
    await this.run('ConsoleProducer', [...args, ...properties.flatMap((each) => ['--reader-property', each])], lines);
  }

  /** What the console consumer sees of topics whose names match, committed data only. */
  async read(topics: string, count: number): Promise<PlacedJavaRecord[]> {
    const shown = ['partition', 'offset', 'headers', 'key'].map((part) => `print.${part}=true`);
    const properties = [...shown, `null.literal=${nullMarker}`];
    const printed = await this.run('org.apache.kafka.tools.consumer.ConsoleConsumer', [
      ...['--bootstrap-server', this.brokers.join(), '--include', topics, '--from-beginning'],
      ...['--isolation-level', 'read_committed', '--max-messages', String(count), '--timeout-ms', '30000'],
      ...properties.flatMap((each) => ['--formatter-property', each]),
    ]);
    return printed.trimEnd().split('\n').map(recordOf);
  }

  /** The ids of the producers that the leader of a topic's first partition remembers. */
  async producerIds(topic: string): Promise<string[]> {
    const place = ['--topic', topic, '--partition', '0'];
    const args = ['--bootstrap-server', this.brokers.join(), 'describe-producers', ...place];
    const [, ...rows] = (await this.run('TransactionsCommand', args)).trimEnd().split('\n');
    return rows.map((row) => row.trim().split(/\s+/)[0] ?? '');
  }

  /** Copies a topic of one partition in transactions of a few records; a third of them aborts and is done again. */
  async copyWithAborts(from: string, to: string, transactionSize: number): Promise<void> {
    await this.run('TransactionalMessageCopier', [
      ...['--broker-list', this.brokers.join(), '--input-topic', from, '--input-partition', '0', '--output-topic', to],
      ...['--transactional-id', `copy ${to}`, '--consumer-group', `copy ${to}`, '--enable-random-aborts'],
      ...['--transaction-size', String(transactionSize), '--use-group-metadata'],
    ]);
  }

  /** Writes records in one transaction and commits it. */
  async commit(transaction: JavaTransaction): Promise<void> {
    await this.run('ProducerPerformance', this.transactionArgs(transaction));
  }

  /** Writes records in one transaction until it is killed, which leaves that open. */
  async begin(transaction: JavaTransaction): Promise<{ kill(): Promise<void> }> {
    const child = await this.start('ProducerPerformance', this.transactionArgs(transaction));
    return {
      kill: async () => {
        const ended = once(child, 'close');
        child.kill('SIGKILL');
        await ended;
      },
    };
  }

  /** What an operator does about a transaction that nobody ends. */
  async abort(topic: string, partition: number, startOffset: bigint): Promise<void> {
    const place = ['--topic', topic, '--partition', String(partition), '--start-offset', String(startOffset)];
    await this.run('TransactionsCommand', ['--bootstrap-server', this.brokers.join(), 'abort', ...place]);
  }

  stop(): void {
    for (const child of this.running) child.kill('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }

  private transactionArgs({ topic, transactionalId, value, records, recordsPerSecond }: JavaTransaction): string[] {
    const file = path.join(this.directory, value);
    writeFileSync(file, `${value}\n`);
    return [
      ...['--bootstrap-server', this.brokers.join(), '--topic', topic, '--payload-file', file],
      ...['--num-records', String(records), '--throughput', String(recordsPerSecond)],
      ...['--transactional-id', transactionalId, '--transaction-duration-ms', '600000'],
    ];
  }

  private async run(name: string, args: string[], input = ''): Promise<string> {
    const child = await this.start(name, args);
    child.stdin!.end(input);
    const [output, failure, [code]] = await Promise.all([
      text(child.stdout!),
      text(child.stderr!),
      once(child, 'close') as Promise<[number | null]>,
    ]);
    if (code !== 0) throw new Error(`${name} ended with ${code}: ${failure || output}`);
    return output;
  }

  private async start(name: string, args: string[]): Promise<ChildProcess> {
    // They live for a second or two: compiling well takes longer than it saves.
    const javaOptions = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto'];
    const [command, ...rest] = await kafkaTool({ name, args, javaOptions });
    const child = spawn(command, rest, { stdio: 'pipe', timeout: timeoutMs, killSignal: 'SIGKILL' });
    this.running.add(child);
    child.once('close', () => this.running.delete(child));
    return child;
  }
}

function lineOf({ headers, key, value }: JavaRecord): string {
  const pairs = headers.map(([name, content]) => `${name}:${content ?? nullMarker}`).join();
  return [pairs || nullMarker, key ?? nullMarker, value ?? nullMarker].join('\t');
}

function recordOf(line: string): PlacedJavaRecord {
  const [partition = '', offset = '', headers = '', key = '', value = ''] = line.split('\t');
  const orNull = (printed: string): string | null => (printed === nullMarker ? null : printed);
  const pairs = headers === 'NO_HEADERS' ? [] : headers.split(',');
  return {
    partition: Number(partition.replace('Partition:', '')),
    offset: offset.replace('Offset:', ''),
    headers: pairs.map((pair) => [pair.slice(0, pair.indexOf(':')), orNull(pair.slice(pair.indexOf(':') + 1))]),
    key: orNull(key),
    value: orNull(value),
  };
}
