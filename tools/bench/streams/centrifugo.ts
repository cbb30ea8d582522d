import { Measured, type Report } from '../harness/rounds.ts';

const published = (report: Report): Measured => new Measured([{ report, others: 0 }]);

/** Measured before, with the same work on two cores beside its broker; it is not installed here. */
export const centrifugo = {
  name: 'Centrifugo, published',
  webSocket100: published({ p50Ms: 15.5, p99Ms: 55, cores: 0.95 }),
  webSocket400: published({ deliveriesPerSecond: 381_000, p99Ms: 186 }),
  sse50: published({ p99Ms: 73 }),
  idle: published({ kib: 50 }),
};
