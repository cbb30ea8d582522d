import { topics } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import type { KafkaAdmin, Placement, Producer, ProducerRecord } from '@tidegate/kafka';
import type { Logger } from '@tidegate/telemetry';
import { setTimeout as delay } from 'node:timers/promises';
import type { Room } from '../connection/room';

/** Devices keep what is not acknowledged, so that an outage of Kafka may last: nothing is given up before. */
const patienceMs = 7 * 86_400_000;
const topicRetryMs = 1_000;
const partitions = 6;

/** The topic of telemetry, in which every record is before its device hears of it. */
export class TelemetryLog {
  private ready: Promise<void> | undefined;
  private closed = false;

  constructor(
    private readonly producer: Pick<Producer, 'send'>,
    private readonly admin: Pick<KafkaAdmin, 'ensureTopics'>,
    private readonly room: Room,
    private readonly logger: Logger,
  ) {}

  /** Makes the topic where it is missing, however long Kafka takes to be there; records wait for it in their order. */
  open(): void {
    this.ready = this.ensureTopic().then(() => {
      this.ready = undefined;
    });
  }

  close(): void {
    this.closed = true;
  }

  /**
   * Resolves to its place when all in-sync replicas have the record.
   * @throws AppError `too_large`; `unavailable` when it must be sent again
   */
  async append(record: ProducerRecord): Promise<Placement> {
    const bytes = record.value?.length ?? 0;
    this.room.take(bytes);
    try {
      if (this.ready !== undefined) await this.ready;
      return await this.producer.send(record, { timeoutMs: patienceMs });
    } catch (error) {
      const { code } = AppError.from(error);
      if (code === 'too_large' || code === 'invalid_argument') throw error;
      throw new AppError('unavailable', 'Kafka did not take the frame; send it again.', { cause: error });
    } finally {
      this.room.give(bytes);
    }
  }

  private async ensureTopic(): Promise<void> {
    for (let attempt = 0; !this.closed; attempt += 1) {
      try {
        await this.admin.ensureTopics([{ topic: topics.telemetry, partitions }]);
        return;
      } catch (error) {
        if (attempt === 0) this.logger.warn({ err: error }, 'the topic of telemetry cannot be made yet');
        await delay(topicRetryMs);
      }
    }
  }
}
