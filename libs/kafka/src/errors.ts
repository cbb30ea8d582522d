import { AppError } from '@tidegate/errors';

/** The asked offset is not in the log: a `gap` before its start (retention), or the log was `rewound` and ends before it. */
export class OffsetOutOfRange extends AppError {
  constructor(
    readonly kind: 'gap' | 'rewound',
    readonly logStart: bigint,
    readonly end: bigint,
  ) {
    const side = kind === 'gap' ? 'below' : 'above';
    super('invalid_argument', `The offset is ${side} the log, which holds ${logStart} to ${end}.`);
  }
}

/** The topic was deleted and made again: what the caller knows of its offsets is about another log. */
export class TopicRecreated extends AppError {
  constructor(
    topic: string,
    readonly topicId: string,
  ) {
    super('invalid_argument', `The Kafka topic ${topic} was made again since.`);
  }
}

/** Bytes that are not what Kafka's protocol says they are. */
export class MalformedBytes extends AppError {
  constructor(what: string, cause?: unknown) {
    super('upstream_failed', `Kafka sent bytes that cannot be read: ${what}.`, { cause });
  }
}

/** A compressed batch that grows beyond what this process is ready to hold. */
export class InflationLimit extends AppError {
  constructor(readonly maxBytes: number) {
    super('upstream_failed', `A compressed batch grows beyond ${maxBytes} bytes.`);
  }
}

/** A batch in the log that cannot be decoded; reading may go on at `next`, and what the batch held is lost to the reader. */
export class CorruptRecords extends AppError {
  constructor(
    readonly offset: bigint,
    readonly next: bigint,
    cause: AppError,
  ) {
    super('upstream_failed', `The batch at offset ${offset} cannot be read: ${cause.message}`, { cause });
  }
}

/** A protocol error code in an answer, before anyone decided what it means for the caller. */
export class KafkaErrorCode extends Error {
  constructor(
    readonly kafkaCode: number,
    what: string,
  ) {
    super(`${what}: ${kafkaCodeName(kafkaCode)}`);
  }
}

/** The protocol's error codes that we tell apart (kafka.apache.org/protocol#protocol_error_codes). */
export const kafkaCodes = {
  none: 0,
  offsetOutOfRange: 1,
  corruptMessage: 2,
  unknownTopicOrPartition: 3,
  leaderNotAvailable: 5,
  notLeaderOrFollower: 6,
  requestTimedOut: 7,
  messageTooLarge: 10,
  offsetMetadataTooLarge: 12,
  networkException: 13,
  coordinatorLoadInProgress: 14,
  coordinatorNotAvailable: 15,
  notCoordinator: 16,
  invalidTopic: 17,
  recordListTooLarge: 18,
  notEnoughReplicas: 19,
  notEnoughReplicasAfterAppend: 20,
  invalidRequiredAcks: 21,
  illegalGeneration: 22,
  invalidGroupId: 24,
  unknownMemberId: 25,
  invalidSessionTimeout: 26,
  rebalanceInProgress: 27,
  topicAuthorizationFailed: 29,
  groupAuthorizationFailed: 30,
  clusterAuthorizationFailed: 31,
  invalidTimestamp: 32,
  unsupportedVersion: 35,
  invalidRequest: 42,
  unsupportedForMessageFormat: 43,
  policyViolation: 44,
  outOfOrderSequence: 45,
  duplicateSequence: 46,
  invalidProducerEpoch: 47,
  storageError: 56,
  unknownProducerId: 59,
  nonEmptyGroup: 68,
  groupIdNotFound: 69,
  unsupportedCompression: 76,
  invalidRecord: 87,
  producerFenced: 90,
  unknownTopicId: 100,
  inconsistentTopicId: 103,
} as const;

const names = new Map(Object.entries(kafkaCodes).map(([name, code]) => [code as number, name]));

export function kafkaCodeName(code: number): string {
  return names.get(code) ?? `error ${code}`;
}

/** The protocol code inside one of kafkajs' errors, wherever it wrapped it. */
export function kafkaCodeOf(error: unknown): number | undefined {
  for (const inner of causesOf(error)) {
    if (inner instanceof KafkaErrorCode) return inner.kafkaCode;
    if (inner.name === 'KafkaJSProtocolError' && 'code' in inner && typeof inner.code === 'number') return inner.code;
  }
  return undefined;
}

function causesOf(error: unknown): Error[] {
  const causes: Error[] = [];
  for (let inner = error; inner instanceof Error && causes.length < 5; inner = inner.cause) causes.push(inner);
  return causes;
}

/** Whether Kafka did not take our credentials, wherever that was wrapped. */
export function isRefusedLogin(error: unknown): boolean {
  return causesOf(error).some(({ name }) => name === 'KafkaJSSASLAuthenticationError');
}

const refusedAccess = new Set<number>([kafkaCodes.topicAuthorizationFailed, 30, 31, 53, 58]);

/** An error of ours that another try would not change. */
export function isDecided(error: unknown): boolean {
  return AppError.is(error) && error.code !== 'unavailable';
}

/** The one place where foreign errors of the Kafka client become ours. `doing` reads like "read topic x". */
export function translateKafkaError(error: unknown, doing: string): AppError {
  if (AppError.is(error)) return error;
  const code = kafkaCodeOf(error);
  if (code !== undefined && refusedAccess.has(code)) {
    return new AppError('upstream_failed', `Kafka refuses us access to ${doing}.`, { cause: error });
  }
  if (code === kafkaCodes.unknownTopicOrPartition || code === kafkaCodes.invalidTopic) {
    return new AppError('not_found', `Kafka has no topic or partition to ${doing}.`, { cause: error });
  }
  return new AppError('unavailable', `Kafka is not available to ${doing}.`, { cause: error, retryAfterMs: 1_000 });
}

/** A short reason for health checks and logs: names the failure, never an option's value. */
export function reasonOf(error: unknown): string {
  const innermost = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return innermost instanceof Error ? innermost.message : String(innermost);
}
