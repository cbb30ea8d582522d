import type { ResetReason } from '@tidegate/kafka';

/** What goes over a stream at its own pace, behind those who are live, until it has got there. */
export interface Follower {
  /** Goes some way further; true when it can go on at once. */
  pump(): boolean;
  /** Offsets of a partition have lost their meaning; it goes on at `next`. */
  onReset(reason: ResetReason, source: number, partition: number, next: bigint): void;
  onPartition(source: number, partition: number, start: bigint): void;
  /** A topic that was made again has fewer partitions. */
  trim(source: number, partitions: number): void;
  /** A mistake of ours came up in this stream. */
  fail(): void;
}
