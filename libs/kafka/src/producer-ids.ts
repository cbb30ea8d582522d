import { AppError } from '@tidegate/errors';
import type { Cluster } from './cluster';
import { KafkaErrorCode, kafkaCodes } from './errors';
import { initProducerIdRequest } from './init-producer-id';

export interface ProducerId {
  producerId: bigint;
  epoch: number;
}

/** The one producer id that the partitions of a Producer share; each of them counts its own epochs and sequences. */
export class ProducerIds {
  current: ProducerId | undefined;
  private readonly asking = new Map<number, Promise<void>>();

  constructor(private readonly cluster: Cluster) {}

  /** One try, at this broker. @throws WritingRefused, else what the request throws */
  async ask(nodeId: number): Promise<void> {
    const asking = this.asking.get(nodeId) ?? this.request(nodeId).finally(() => this.asking.delete(nodeId));
    this.asking.set(nodeId, asking);
    await asking;
  }

  /** The id is not to be used for new partitions any more. */
  retire(producerId: bigint): void {
    if (this.current?.producerId === producerId) this.current = undefined;
  }

  private async request(nodeId: number): Promise<void> {
    const { errorCode, producerId, epoch } = await this.cluster.send(nodeId, initProducerIdRequest());
    if (errorCode === kafkaCodes.none) {
      this.current ??= { producerId, epoch };
      return;
    }
    const failure = new KafkaErrorCode(errorCode, 'a producer id');
    throw errorCode === kafkaCodes.clusterAuthorizationFailed ? new WritingRefused(failure) : failure;
  }
}

/** The cluster lets this client write nothing at all. */
export class WritingRefused extends AppError {
  constructor(cause: Error) {
    const rights = 'it needs the right to IdempotentWrite on the cluster, or to Write on a topic';
    super('upstream_failed', `Kafka refuses us to write: ${rights}.`, { cause });
  }
}
