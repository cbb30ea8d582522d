/** Whether a topic is one of those that a pattern takes in: `*` is one or more characters, none of them a dot. */
export function matchesPattern(pattern: string, topic: string): boolean {
  // Kafka's own, and what is meant to be out of sight.
  if (topic.startsWith('__')) return false;
  const parts = pattern.split('*').map((part) => part.replaceAll('.', '\\.'));
  return new RegExp(`^${parts.join('[a-zA-Z0-9_-]+')}$`).test(topic);
}
