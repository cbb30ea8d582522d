import { isPerTenant, topicOfTenant, type Stream, type StreamSource } from '@tidegate/catalog';

/** Whose topics are read of a stream with a topic for each tenant: a tenant's, or those of all. */
export type Scope = { readonly tenant: string } | 'all';

/** A topic that is there for one tenant has rows of no other. */
interface ScopedSource extends StreamSource {
  readonly tenant?: string;
}

/** A stream with the topics that are read for a scope. */
export interface ScopedStream extends Stream {
  readonly sources: readonly ScopedSource[];
  /** There where it has a topic for each tenant. */
  readonly scope?: Scope;
}

/** Whether it matters who reads the stream. */
export function isScoped({ sources }: Stream): boolean {
  return sources.some(({ topic }) => isPerTenant(topic));
}

export function scopedStream(stream: Stream, scope: Scope, tenants: ReadonlyMap<string, unknown>): ScopedStream {
  if (!isScoped(stream)) return stream;
  const read = [...tenants.keys()].filter((tenant) => scope === 'all' || scope.tenant === tenant);
  const sources = stream.sources.flatMap((source): ScopedSource[] => {
    if (!isPerTenant(source.topic)) return [source];
    return read.map((tenant) => ({ ...source, topic: topicOfTenant(source.topic, tenant), tenant }));
  });
  return { ...stream, sources, scope };
}

/** The tenant that all rows of a topic belong to, where there is one. */
export function tenantOfTopic({ sources }: ScopedStream, topic: string): string | undefined {
  return sources.find((source) => source.topic === topic)?.tenant;
}

export function isSameScope(a: Scope, b: Scope): boolean {
  return a === 'all' || b === 'all' ? a === b : a.tenant === b.tenant;
}
