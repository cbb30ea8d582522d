import { kafkaCodes } from './errors';
import type { ProducerIds } from './producer-ids';
import type { BatchIdentity } from './record-batch-encoder';

/** Sequences are 31 bits, after which they start again. */
const sequences = 2 ** 31;
const lastEpoch = 32_767;
/** Someone else writes under our id. */
const fenced = new Set<number>([kafkaCodes.invalidProducerEpoch, kafkaCodes.producerFenced]);

/** What one partition's log remembers of this producer: brokers keep epoch and sequence for each partition apart (KIP-98, KIP-360). */
export class BatchNumbering {
  private producerId: bigint | undefined;
  private epoch = 0;
  private nextSequence = 0;

  constructor(private readonly ids: ProducerIds) {}

  get needsProducerId(): boolean {
    return this.producerId === undefined && this.ids.current === undefined;
  }

  /** Of the next batch; the same until it was written or the numbers begin anew. */
  identity(): BatchIdentity {
    if (this.producerId === undefined) {
      const { current } = this.ids;
      if (!current) throw new Error('a batch is sealed before there is a producer id');
      this.producerId = current.producerId;
      this.epoch = current.epoch;
    }
    return { producerId: this.producerId, epoch: this.epoch, firstSequence: this.nextSequence };
  }

  onWritten(records: number): void {
    this.nextSequence = (this.nextSequence + records) % sequences;
  }

  /** Begins a new epoch, under a new id where the old one's epochs are used up or taken. */
  renew(errorCode: number = kafkaCodes.none): void {
    this.nextSequence = 0;
    this.epoch += 1;
    if (this.producerId === undefined || (this.epoch <= lastEpoch && !fenced.has(errorCode))) return;
    this.ids.retire(this.producerId);
    this.producerId = undefined;
  }
}
