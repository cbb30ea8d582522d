import { collectDefaultMetrics, Registry } from 'prom-client';

/** A registry with the process metrics of Node in it. */
export function createRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}
