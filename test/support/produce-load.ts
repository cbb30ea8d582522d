import type { Producer } from '@tidegate/kafka';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProduceLedger } from './produce-ledger';

export interface LoadOptions {
  topics: readonly string[];
  callers: number;
  /** Records that a caller sends at once before it waits for all of them. */
  burst?: number;
  pauseMs?: number;
  timeoutMs?: number;
}

/** Many callers at once, two thirds with a key of their own, each over all topics in turn, until told to stop. */
export class ProduceLoad {
  private running = true;
  private readonly callers: Promise<unknown>;

  constructor(
    private readonly producer: Producer,
    private readonly ledger: ProduceLedger,
    private readonly options: LoadOptions,
  ) {
    this.callers = Promise.all(Array.from({ length: options.callers }, (_, id) => this.call(id)));
  }

  /** Resolves when every caller has heard about everything it sent. */
  async close(): Promise<void> {
    this.running = false;
    await this.callers;
  }

  private async call(id: number): Promise<void> {
    const { topics, burst = 3, pauseMs = 25, timeoutMs } = this.options;
    const key = id % 3 === 0 ? null : `caller ${id}`;
    for (let round = id; this.running; round += 1) {
      const topic = topics[round % topics.length] as string;
      await this.ledger.burst(this.producer, topic, key, burst, timeoutMs);
      await sleep(pauseMs);
    }
  }
}
