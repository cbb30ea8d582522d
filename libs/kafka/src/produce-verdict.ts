import { kafkaCodes } from './errors';

/** What a broker's answer means for the batch and for what its callers may be told. */
export type Verdict =
  | 'acknowledged'
  /** It stands in the log since an earlier try; where, the broker does not know any more. */
  | 'duplicate'
  /** Nothing was written; it works again soon. */
  | 'again'
  /** It may stand in the log all the same. */
  | 'unclear'
  /** The broker's memory of this producer ends before this batch; nothing was written. */
  | 'renew'
  /** Refused for the sake of single records: their neighbours must not suffer for it. */
  | 'bad records'
  | 'refused';

const verdicts = new Map<number, Verdict>([
  [kafkaCodes.none, 'acknowledged'],
  [kafkaCodes.duplicateSequence, 'duplicate'],

  [kafkaCodes.corruptMessage, 'again'],
  [kafkaCodes.notEnoughReplicas, 'again'],

  [kafkaCodes.outOfOrderSequence, 'renew'],
  [kafkaCodes.unknownProducerId, 'renew'],
  [kafkaCodes.invalidProducerEpoch, 'renew'],
  [kafkaCodes.producerFenced, 'renew'],

  [kafkaCodes.messageTooLarge, 'bad records'],
  [kafkaCodes.recordListTooLarge, 'bad records'],
  [kafkaCodes.invalidRecord, 'bad records'],
  [kafkaCodes.invalidTimestamp, 'bad records'],

  [kafkaCodes.invalidTopic, 'refused'],
  [kafkaCodes.topicAuthorizationFailed, 'refused'],
  [kafkaCodes.clusterAuthorizationFailed, 'refused'],
  [kafkaCodes.invalidRequiredAcks, 'refused'],
  [kafkaCodes.unsupportedVersion, 'refused'],
  [kafkaCodes.invalidRequest, 'refused'],
  [kafkaCodes.unsupportedForMessageFormat, 'refused'],
  [kafkaCodes.policyViolation, 'refused'],
  [kafkaCodes.unsupportedCompression, 'refused'],
]);

/**
 * Whatever is not in the table is unclear: so are "not the leader", "unknown partition" and "storage error", which a broker also answers
 * when it wrote the batch and lost the partition while the replicas were catching up.
 */
export function verdictOf(errorCode: number): Verdict {
  return verdicts.get(errorCode) ?? 'unclear';
}
