import type { Follower } from './follower';

/** How a session that is not live gets there. */
export interface CatchUp extends Omit<Follower, 'fail'> {
  /** What its cursors say: everything before has been given. */
  readonly position: bigint[][];
  /** Waiting for Kafka is not the reader's fault. */
  readonly waitsForKafka: boolean;
  end(): void;
}
