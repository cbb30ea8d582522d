import type { Cluster } from './cluster';
import { isRefusedLogin, kafkaCodeOf, kafkaCodes } from './errors';
import { GroupCoordinator } from './group-coordinator';

/** What Kafka answers the same however often it is asked. */
const refusals = new Set<number>([
  kafkaCodes.invalidGroupId,
  kafkaCodes.invalidSessionTimeout,
  kafkaCodes.topicAuthorizationFailed,
  kafkaCodes.groupAuthorizationFailed,
  kafkaCodes.clusterAuthorizationFailed,
  kafkaCodes.unsupportedVersion,
]);

const askTimeoutMs = 2_000;

export interface GroupDiagnosisOptions {
  groupId: string;
  topic: string;
  hopelessAfterMs: number;
}

/** Tells whether a group that lost its membership may hope for another. */
export class GroupDiagnosis {
  private readonly coordinator: GroupCoordinator;
  /** Since when Kafka answers though there is no membership. */
  private answersSinceMs: number | undefined;

  constructor(
    cluster: Cluster,
    private readonly options: GroupDiagnosisOptions,
  ) {
    this.coordinator = new GroupCoordinator(cluster, askTimeoutMs);
  }

  /** The error that no waiting mends, or undefined. `worked` says that there was a membership before this failure. */
  async hopeless(failure: unknown, worked: boolean): Promise<unknown> {
    if (worked) this.answersSinceMs = undefined;
    // kafkajs hides why it finds no coordinator: what does Kafka say to a question of our own?
    const answer = await this.ask();
    const refusal = [failure, answer].find((each) => refusals.has(kafkaCodeOf(each) ?? kafkaCodes.none));
    if (refusal !== undefined) return refusal;
    if (answer !== undefined && !isRefusedLogin(answer)) {
      // Kafka away is no reason to end: nothing would be better after a restart.
      this.answersSinceMs = undefined;
      return undefined;
    }
    this.answersSinceMs ??= Date.now();
    return Date.now() - this.answersSinceMs >= this.options.hopelessAfterMs ? failure : undefined;
  }

  private ask(): Promise<unknown> {
    const { groupId, topic } = this.options;
    return this.coordinator.committed(groupId, topic).then(
      () => undefined,
      (failure: unknown) => failure,
    );
  }
}
