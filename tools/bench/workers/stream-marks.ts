/** Where a record stands and when it was sent, inside the record, so that every delivery can be checked. */
export interface Mark {
  sequence: number;
  partition: number;
  sentAtMs: number;
}

const start = Buffer.from('~q');
const tilde = 126;
const [zero, nine] = [48, 57];
/** No mark is longer. */
const maxBytes = 64;

/** The time that processes and threads of one machine share, with a fraction. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** A record of 200 bytes that keeps the contract `account`. */
export function markedRow({ sequence, partition, sentAtMs }: Mark): string {
  return JSON.stringify({
    accountId: `~q${sequence}~${partition}~${Math.round(sentAtMs * 1_000)}~`,
    customerId: '7f0c4c7e-7c5b-4d27-9a63-8f1d1f6f2b13',
    tenantId: 'north',
    segment: 'retail',
    currency: 'EUR',
    balance: 1234.56,
    updatedAt: '2026-01-01T00:00:00.000Z',
  });
}

/** Reports every mark; returns up to where the bytes were used, so that a mark cut in two is found with the next ones. */
export function scanMarks(bytes: Buffer, onMark: (sequence: number, partition: number, sentAtMs: number) => void) {
  let at = bytes.indexOf(start);
  while (at >= 0) {
    let place = at + start.length;
    const next = () => {
      let value = 0;
      for (let byte = bytes[place]; byte !== undefined && byte >= zero && byte <= nine; byte = bytes[++place]) {
        value = value * 10 + byte - zero;
      }
      return bytes[place++] === tilde ? value : NaN;
    };
    const [sequence, partition, sentAtUs] = [next(), next(), next()];
    if (Number.isNaN(sentAtUs)) return bytes.length - at < maxBytes ? at : bytes.length;
    onMark(sequence, partition, sentAtUs / 1_000);
    at = bytes.indexOf(start, place);
  }
  return bytes.at(-1) === tilde ? bytes.length - 1 : bytes.length;
}
