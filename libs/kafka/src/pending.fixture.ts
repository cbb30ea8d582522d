import { outgoingRecord } from './outgoing-record';
import { PendingRecord } from './pending-record';
import { PendingRecords } from './pending-records';
import type { Placement, ProducerRecord } from './producer';

const nobody = new PendingRecords(
  { maxBytes: Infinity, whenFull: 'reject' },
  {
    onAdmitted: () => undefined,
    onExpired: () => undefined,
    sweep: () => Infinity,
  },
);

export interface Sent {
  record: PendingRecord;
  placed: Promise<Placement>;
}

/** A record of topic `t` as `send` makes it, and what its caller hears. */
export function sent(change: Partial<ProducerRecord> = {}, timeoutMs = 60_000, owner = nobody): Sent {
  const outgoing = outgoingRecord({ topic: 't', key: null, value: 'v', ...change }, Infinity);
  let made: PendingRecord | undefined;
  const placed = new Promise<Placement>((resolve, reject) => {
    const nowMs = Date.now();
    made = new PendingRecord(outgoing, nowMs, nowMs + timeoutMs, { resolve, reject }, owner);
  });
  placed.catch(() => undefined);
  return { record: made as PendingRecord, placed };
}
