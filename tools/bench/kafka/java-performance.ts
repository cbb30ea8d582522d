import { run } from '../../infra/cache.ts';
import { kafkaTool } from '../../infra/index.ts';
import type { Report } from '../harness/rounds.ts';

const timeoutMs = 180_000;

export interface JavaProducerRun {
  brokers: string[];
  topic: string;
  valuesFile: string;
  records: number;
  /** Sent before the time is taken. */
  warmUp: number;
  /** The client's settings, as `name=value`. */
  settings: string[];
}

/** `ProducerPerformance`: as many records as it takes, by one thread that never waits for an answer. */
export async function javaProducer(options: JavaProducerRun): Promise<Report> {
  const { brokers, topic, valuesFile, records, warmUp, settings } = options;
  const properties = [`bootstrap.servers=${brokers.join()}`, 'acks=all', ...settings];
  const output = await runTool('ProducerPerformance', [
    ...['--topic', topic, '--num-records', String(records + warmUp), '--throughput', '-1'],
    ...['--payload-file', valuesFile, '--warmup-records', String(warmUp), '--command-property', ...properties],
  ]);
  // The last line is without the warm-up.
  const rates = [...output.matchAll(/ records sent, ([\d.]+) records\/sec/g)].map((match) => Number(match[1]));
  return { recordsPerSecond: rates.at(-1) ?? NaN, acked: records + warmUp };
}

/** `ConsumerPerformance`: its own figure for the time that it fetched, without joining its group. */
export async function javaConsumer(brokers: string[], topic: string, records: number): Promise<Report> {
  const connection = ['--bootstrap-server', brokers.join(), '--topic', topic];
  const output = await runTool('ConsumerPerformance', [...connection, '--num-records', String(records)]);
  const [names = [], values = []] = output
    .trim()
    .split('\n')
    .slice(-2)
    .map((line) => line.split(',').map((cell) => cell.trim()));
  const figure = (name: string): number => Number(values[names.indexOf(name)]);
  if (figure('data.consumed.in.nMsg') < records) throw new Error(`Java's consumer read too little: ${output}`);
  return { recordsPerSecond: figure('fetch.nMsg.sec') };
}

async function runTool(name: string, args: string[]): Promise<string> {
  const [command, ...rest] = await kafkaTool({ name, args });
  return (await run(command, rest, { timeoutMs })).stdout;
}
