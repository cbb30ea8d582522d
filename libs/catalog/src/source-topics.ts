import { z } from 'zod';
import type { CatalogFile, FieldPath } from './catalog-file';

const placeholder = '{tenant}';
const maxLength = 249;

export const sourceTopic = z
  .string()
  .regex(
    /^(?!\.{1,2}$)(?:[a-zA-Z0-9._-]|\{tenant\}){1,249}$/,
    `is no topic name; use letters, digits, ".", "_" and "-", at most ${maxLength}, and ${placeholder} for a topic per tenant`,
  );

export const sourcePattern = z
  .string()
  .regex(
    /^(?!__)[a-zA-Z0-9._-]*\*[a-zA-Z0-9._*-]*$/,
    'is no pattern of topics; use "*" for one or more characters without a dot, as in "shop.*.orders"',
  )
  .max(maxLength);

/** Whether a source is a topic for each tenant. */
export function isPerTenant(topic: string): boolean {
  return topic.includes(placeholder);
}

/** The topic of one of them. */
export function topicOfTenant(topic: string, tenant: string): string {
  return topic.replaceAll(placeholder, tenant);
}

interface DeclaredSource {
  topic?: string;
  pattern?: string;
}

/** Reports sources without or with too many names, topics that would be named twice, and names that are too long, for any tenant. */
export function checkTopics(
  file: CatalogFile,
  path: FieldPath,
  sources: readonly DeclaredSource[],
  tenants: readonly string[],
): void {
  const known = new Set<string>();
  sources.forEach(({ topic, pattern }, index) => {
    const at = [...path, 'sources', index];
    if ((topic === undefined) === (pattern === undefined)) file.report(at, 'names one of topic and pattern');
    const topics = topic === undefined ? [pattern ?? ''] : topicsOf(topic, tenants);
    const long = topics.find(({ length }) => length > maxLength);
    if (long !== undefined) file.report([...at, 'topic'], `"${long}" is longer than ${maxLength} characters`);
    const twice = topics.find((one) => known.has(one));
    if (twice !== undefined) file.report(at, `"${twice}" is named twice`);
    for (const one of topics) known.add(one);
  });
}

function topicsOf(topic: string, tenants: readonly string[]): string[] {
  return isPerTenant(topic) ? tenants.map((tenant) => topicOfTenant(topic, tenant)) : [topic];
}
