import { Producer } from '@tidegate/kafka';
import { type Producer as KafkajsProducer } from 'kafkajs';
import { kafkaDeps, kafkajsClient, type ClientName } from './kafka-clients';

/** What a load needs of a producer, whoever made it; every promise resolves on the brokers' acknowledgement. */
export interface Sender {
  send(value: string): Promise<unknown>;
  sendBatch(values: string[]): Promise<unknown>;
  close(): Promise<void>;
}

export interface SenderOptions {
  client: ClientName;
  brokers: string[];
  topic: string;
  /** kafkajs has no batching of its own: records go together that come within this time. 0 sends each alone. */
  gatherMs: number;
}

export async function openSender({ client, brokers, topic, gatherMs }: SenderOptions): Promise<Sender> {
  if (client === 'tidegate') return new TidegateSender(new Producer({ brokers }, kafkaDeps()), topic);
  const producer = kafkajsClient(brokers).producer();
  await producer.connect();
  return gatherMs > 0 ? new GatheringSender(producer, topic, gatherMs) : new KafkajsSender(producer, topic);
}

class TidegateSender implements Sender {
  constructor(
    private readonly producer: Producer,
    private readonly topic: string,
  ) {}

  send(value: string): Promise<unknown> {
    return this.producer.send({ topic: this.topic, key: null, value });
  }

  sendBatch(values: string[]): Promise<unknown> {
    return Promise.all(values.map((value) => this.send(value)));
  }

  close(): Promise<void> {
    return this.producer.close();
  }
}

class KafkajsSender implements Sender {
  constructor(
    protected readonly producer: KafkajsProducer,
    protected readonly topic: string,
  ) {}

  send(value: string): Promise<unknown> {
    return this.producer.send({ topic: this.topic, messages: [{ value }] });
  }

  sendBatch(values: string[]): Promise<unknown> {
    const messages = values.map((value) => ({ value }));
    return this.producer.sendBatch({ topicMessages: [{ topic: this.topic, messages }] });
  }

  close(): Promise<void> {
    return this.producer.disconnect();
  }
}

interface Gathered {
  value: string;
  resolve: () => void;
  reject: (error: Error) => void;
}

/** kafkajs behind a micro-batcher that sends at once while nothing is on its way, and else gathers what comes for a moment. */
class GatheringSender extends KafkajsSender {
  private gathered: Gathered[] = [];
  private onTheirWay = 0;
  private flushing: NodeJS.Immediate | NodeJS.Timeout | undefined;

  constructor(
    producer: KafkajsProducer,
    topic: string,
    private readonly gatherMs: number,
  ) {
    super(producer, topic);
  }

  override send(value: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.gathered.push({ value, resolve, reject });
      const flush = () => void this.flush();
      this.flushing ??= this.onTheirWay === 0 ? setImmediate(flush) : setTimeout(flush, this.gatherMs);
    });
  }

  private async flush(): Promise<void> {
    const records = this.gathered;
    this.gathered = [];
    this.flushing = undefined;
    if (records.length === 0) return;
    this.onTheirWay += 1;
    try {
      await this.sendBatch(records.map(({ value }) => value));
      for (const { resolve } of records) resolve();
    } catch (error) {
      for (const { reject } of records) reject(error as Error);
    }
    this.onTheirWay -= 1;
    if (this.onTheirWay === 0) this.flushNow();
  }

  private flushNow(): void {
    clearTimeout(this.flushing as NodeJS.Timeout | undefined);
    void this.flush();
  }
}
