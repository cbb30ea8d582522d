import { topics } from '@tidegate/contracts';
import type { TopicSpec } from '@tidegate/kafka';

const partitions = 6;
/** History is older than any retention that a broker has by default. */
const kept = { 'retention.ms': '-1' };
const lastStateOnly = { 'cleanup.policy': 'compact' };

/** The topics that the demo writes, and the one that partners ask on. */
export const demoTopics: TopicSpec[] = [
  { topic: topics.orders, partitions, config: kept },
  { topic: topics.transactions, partitions, config: kept },
  { topic: topics.customers, partitions, config: lastStateOnly },
  { topic: topics.accounts, partitions, config: lastStateOnly },
  { topic: topics.audit, partitions, config: kept },
  { topic: topics.transactionRequests, partitions },
];
