import { AppError } from '@tidegate/errors';
import type { Cluster } from './cluster';
import { KafkaErrorCode, kafkaCodeOf, kafkaCodes, translateKafkaError } from './errors';
import {
  coordinatorRequest,
  deleteGroupRequest,
  leaveGroupRequest,
  offsetCommitRequest,
  offsetFetchRequest,
  type FetchedGroupOffset,
  type GroupOffset,
  type GroupResponse,
} from './group-protocol';
import type { KafkaRequest } from './kafkajs-internals';
import { retrying } from './timing';

export interface CommittedOffset {
  partition: number;
  offset: bigint;
  metadata: string;
}

/** Coordinators that are remembered; a forgotten one is found again with one question. */
const maxCoordinators = 10_000;
const firstRetryMs = 50;
const maxRetryMs = 500;

const held = new Set<number>([
  kafkaCodes.illegalGeneration,
  kafkaCodes.unknownMemberId,
  kafkaCodes.rebalanceInProgress,
  kafkaCodes.nonEmptyGroup,
]);

const final = new Set<number>([
  kafkaCodes.offsetMetadataTooLarge,
  kafkaCodes.invalidGroupId,
  kafkaCodes.unknownTopicOrPartition,
  kafkaCodes.topicAuthorizationFailed,
  kafkaCodes.groupAuthorizationFailed,
]);

/**
 * What Kafka keeps under the name of a group: positions, also of one that nobody joins, with their lag in Kafka's own tools. Asked of the
 * broker that is in charge of the group.
 */
export class GroupCoordinator {
  private readonly coordinators = new Map<string, number>();

  constructor(
    private readonly cluster: Cluster,
    private readonly timeoutMs: number,
  ) {}

  async commit(groupId: string, topic: string, offsets: readonly GroupOffset[]): Promise<void> {
    if (offsets.length === 0) return;
    await this.retrying(`commit to group ${groupId}`, groupId, async () => {
      const { partitions } = await this.ask(groupId, offsetCommitRequest(groupId, topic, offsets));
      throwFirst(partitions, `commit to group ${groupId}`);
    });
  }

  async committed(groupId: string, topic: string): Promise<CommittedOffset[]> {
    const doing = `read the offsets of group ${groupId}`;
    return this.retrying(doing, groupId, async () => {
      const { errorCode, offsets } = await this.ask(groupId, offsetFetchRequest(groupId));
      throwFirst([{ errorCode }, ...offsets], doing);
      return committedOf(topic, offsets);
    });
  }

  /** Takes out a member that is no more, so that nobody waits for it. */
  async remove(groupId: string, memberId: string): Promise<void> {
    await this.settle(
      `leave group ${groupId}`,
      groupId,
      leaveGroupRequest(groupId, memberId),
      kafkaCodes.unknownMemberId,
    );
  }

  async delete(groupId: string): Promise<void> {
    await this.settle(`delete group ${groupId}`, groupId, deleteGroupRequest(groupId), kafkaCodes.groupIdNotFound);
  }

  /** `done` is what Kafka says when there is nothing left to do. */
  private async settle(
    doing: string,
    groupId: string,
    request: KafkaRequest<GroupResponse>,
    done: number,
  ): Promise<void> {
    await this.retrying(doing, groupId, async () => {
      const answer = await this.ask(groupId, request);
      if (answer.errorCode !== done) throwFirst([answer], doing);
    });
  }

  private async ask<T>(groupId: string, request: KafkaRequest<T>): Promise<T> {
    return this.cluster.send(await this.coordinator(groupId), request);
  }

  private async coordinator(groupId: string): Promise<number> {
    const known = this.coordinators.get(groupId);
    if (known !== undefined) return known;
    // The answer names a node; its address is known from the metadata.
    await this.cluster.metadata([]);
    const { errorCode, nodeId } = await this.cluster.sendToAny(coordinatorRequest(groupId));
    throwFirst([{ errorCode }], `find the coordinator of group ${groupId}`);
    for (const oldest of this.coordinators.keys()) {
      if (this.coordinators.size < maxCoordinators) break;
      this.coordinators.delete(oldest);
    }
    this.coordinators.set(groupId, nodeId);
    return nodeId;
  }

  /** Coordinators move and connections break: ask again until the time is over. A commit that is repeated does no harm. */
  private async retrying<T>(doing: string, groupId: string, work: () => Promise<T>): Promise<T> {
    try {
      return await retrying(work, {
        ...{ timeoutMs: this.timeoutMs, firstMs: firstRetryMs, maxMs: maxRetryMs },
        isFinal: (error) => hasCode(held, error) || hasCode(final, error),
        before: () => Promise.resolve(this.coordinators.delete(groupId)),
      });
    } catch (error) {
      throw hasCode(held, error) ? joined(groupId, error) : translateKafkaError(error, doing);
    }
  }
}

function hasCode(codes: ReadonlySet<number>, error: unknown): boolean {
  return codes.has(kafkaCodeOf(error) ?? kafkaCodes.none);
}

function throwFirst(answers: readonly { errorCode: number }[], doing: string): void {
  const failed = answers.find(({ errorCode }) => errorCode !== kafkaCodes.none);
  if (failed) throw new KafkaErrorCode(failed.errorCode, doing);
}

function committedOf(topic: string, offsets: readonly FetchedGroupOffset[]): CommittedOffset[] {
  return offsets
    .filter((each) => each.topic === topic && each.offset >= 0n)
    .map(({ partition, offset, metadata }) => ({ partition, offset, metadata }))
    .sort((a, b) => a.partition - b.partition);
}

function joined(groupId: string, cause: unknown): AppError {
  return new AppError('conflict', `The group ${groupId} has members, which alone may change it.`, { cause });
}
