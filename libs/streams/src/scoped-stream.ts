import {
  isPerTenant,
  matchesPattern,
  topicOfTenant,
  type Stream,
  type StreamSource,
  type TopicPattern,
} from '@tidegate/catalog';

/** Whose topics are read of a stream with a topic for each tenant: a tenant's, or those of all. */
export type Scope = { readonly tenant: string } | 'all';

/** A topic that is there for one tenant has rows of no other. */
interface ScopedSource extends StreamSource {
  readonly tenant?: string;
}

/** A stream with the topics that are read for a scope. */
export interface ScopedStream extends Stream {
  readonly sources: readonly (ScopedSource | TopicPattern)[];
  /** There where it has a topic for each tenant. */
  readonly scope?: Scope;
}

/** Whether it matters who reads the stream. */
export function isScoped({ sources }: Stream): boolean {
  return sources.some((source) => 'topic' in source && isPerTenant(source.topic));
}

export function scopedStream(stream: Stream, scope: Scope, tenants: ReadonlyMap<string, unknown>): ScopedStream {
  if (!isScoped(stream)) return stream;
  const read = [...tenants.keys()].filter((tenant) => scope === 'all' || scope.tenant === tenant);
  const sources = stream.sources.flatMap((source): (ScopedSource | TopicPattern)[] => {
    if ('pattern' in source || !isPerTenant(source.topic)) return [source];
    return read.map((tenant) => ({ ...source, topic: topicOfTenant(source.topic, tenant), tenant }));
  });
  return { ...stream, sources, scope };
}

/** The tenant that all rows of a topic belong to, where there is one. */
export function tenantOfTopic(stream: ScopedStream, topic: string): string | undefined {
  const source = sourceOfTopic(stream, topic);
  return source !== undefined && 'topic' in source ? source.tenant : undefined;
}

/** Why a topic is read: it is named, or fits a pattern. */
export function sourceOfTopic({ sources }: ScopedStream, topic: string): ScopedSource | TopicPattern | undefined {
  const named = sources.find((source) => 'topic' in source && source.topic === topic);
  return named ?? sources.find((source) => 'pattern' in source && matchesPattern(source.pattern, topic));
}

export function namedTopics({ sources }: ScopedStream): string[] {
  return sources.flatMap((source) => ('topic' in source ? [source.topic] : []));
}

export function hasPatterns({ sources }: Stream): boolean {
  return sources.some((source) => 'pattern' in source);
}

export function isSameScope(a: Scope, b: Scope): boolean {
  return a === 'all' || b === 'all' ? a === b : a.tenant === b.tenant;
}
