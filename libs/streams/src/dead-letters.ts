import { topics } from '@tidegate/contracts';
import type { Producer, TopicSpec } from '@tidegate/kafka';
import { Counter, type Logger, type Registry } from '@tidegate/telemetry';

/** What is told of a broken record: where it stands and why, never what it says. */
export interface DeadLetter {
  topic: string;
  partition: number;
  offset: string;
  /** The contract that it had to keep. */
  schema: string;
  stream: string;
  reason: string;
}

export interface DeadLettersOptions {
  sender: Pick<Producer, 'send' | 'close'>;
  /** Makes the topic where it is missing. */
  ensureTopic: (topic: TopicSpec) => Promise<void>;
  logger: Logger;
  registry: Registry;
  now?: () => number;
}

interface Letter {
  key: string;
  value: string;
  tries: number;
}

/** Whoever looks needs to know where it began, not every one of a producer gone wrong. */
const maxWaiting = 2_000;
/** With the pause, at most 200 a second. */
const maxBatch = 100;
const pauseMs = 500;
const sendTimeoutMs = 10_000;
const maxTries = 5;
const retryTopicMs = 5_000;
const dayMs = 86_400_000;

/** No two letters of one key but for replicas and streams that met the same record, so only time takes any away. */
const topic: TopicSpec = {
  topic: topics.deadLetters,
  partitions: 1,
  config: { 'cleanup.policy': 'compact,delete', 'retention.ms': String(30 * dayMs) },
};

/**
 * Tells of broken records in the topic `tidegate.dead-letters`, keyed by their place. Nothing waits for it: letters stand in a
 * bounded queue, go out at a bounded rate, and what finds no room, or no way to Kafka, is counted.
 */
export class DeadLetters {
  private queue: Letter[] = [];
  private running: Promise<void> | undefined;
  private topicMade: Promise<void> | undefined;
  private closed = false;
  private endPause = () => undefined as void;
  private readonly letters: Counter<'outcome'>;

  constructor(private readonly options: DeadLettersOptions) {
    this.letters = new Counter({
      name: 'tidegate_stream_dead_letters_total',
      help: 'Letters about broken records: written, dropped (too many at a time) or failed (Kafka took them not)',
      labelNames: ['outcome'],
      registers: [options.registry],
    });
  }

  /** Makes the topic, as soon as Kafka lets it. */
  start(): void {
    this.topicMade ??= this.makeTopic();
  }

  add(letter: DeadLetter): void {
    if (this.queue.length >= maxWaiting || this.closed) return this.count('dropped', 1);
    const { now = Date.now } = this.options;
    const value = JSON.stringify({ ...letter, at: new Date(now()).toISOString() });
    this.queue.push({ key: `${letter.topic}/${letter.partition}/${letter.offset}`, value, tries: 0 });
    this.running ??= this.run();
  }

  /** What has not gone out by now is counted as dropped. */
  async close(): Promise<void> {
    this.closed = true;
    this.endPause();
    await this.options.sender.close({ timeoutMs: 1_000 });
    await this.running;
    this.count('dropped', this.queue.length);
    this.queue = [];
  }

  private async run(): Promise<void> {
    this.start();
    await this.topicMade;
    while (this.queue.length > 0 && !this.closed) {
      await this.send(this.queue.splice(0, maxBatch));
      await this.pause(pauseMs);
    }
    this.running = undefined;
  }

  private async send(letters: readonly Letter[]): Promise<void> {
    const { sender } = this.options;
    const sent = letters.map(({ key, value }) =>
      sender.send({ topic: topics.deadLetters, key, value }, { timeoutMs: sendTimeoutMs }),
    );
    const failed: Letter[] = [];
    for (const [index, outcome] of (await Promise.allSettled(sent)).entries()) {
      const letter = letters[index];
      if (outcome.status === 'fulfilled' || letter === undefined) this.count('written', 1);
      else if (++letter.tries < maxTries) failed.push(letter);
      else this.count('failed', 1);
    }
    this.queue.unshift(...failed);
  }

  private async makeTopic(): Promise<void> {
    for (let told = false; !this.closed; told = true) {
      try {
        return await this.options.ensureTopic(topic);
      } catch (error) {
        if (!told) this.options.logger.warn({ err: error, topic: topic.topic }, 'dead letters wait for their topic');
        await this.pause(retryTopicMs);
      }
    }
  }

  /** One at a time: nothing is sent before there is a topic. */
  private async pause(ms: number): Promise<void> {
    if (this.closed) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      timer.unref();
      this.endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private count(outcome: 'written' | 'dropped' | 'failed', letters: number): void {
    this.letters.inc({ outcome }, letters);
  }
}
