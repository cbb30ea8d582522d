import type { AuditTopic } from '@tidegate/contracts';
import { requestContext, type RequestContext } from '@tidegate/telemetry';

/** What was looked at on behalf of a request, and what came of it. */
export interface NotedView {
  /** The virtual topic, or another resource of the policy. */
  stream: string;
  grants?: readonly string[];
  policyVersion?: string;
  given?: number;
  heldBack?: number;
  topics?: readonly AuditTopic[];
}

/** All that was noted during one request. */
export interface AuditNotes {
  readonly streams: Set<string>;
  readonly grants: Set<string>;
  readonly topics: AuditTopic[];
  policyVersion: string | undefined;
  rows: { given: number; heldBack: number } | undefined;
}

const noted = new WeakMap<RequestContext, AuditNotes>();

export const auditNotes = {
  /** Adds to the event of the request in hand; outside of any request nothing happens. */
  add(view: NotedView): void {
    const context = requestContext.get();
    if (context === undefined) return;
    const notes = noted.get(context) ?? empty();
    noted.set(context, notes);
    merge(notes, view);
  },

  of(context: RequestContext | undefined): AuditNotes | undefined {
    return context && noted.get(context);
  },
};

function empty(): AuditNotes {
  return { streams: new Set(), grants: new Set(), topics: [], policyVersion: undefined, rows: undefined };
}

function merge(
  notes: AuditNotes,
  { stream, grants = [], policyVersion, given, heldBack, topics = [] }: NotedView,
): void {
  notes.streams.add(stream);
  for (const grant of grants) notes.grants.add(grant);
  notes.topics.push(...topics);
  notes.policyVersion = policyVersion ?? notes.policyVersion;
  if (given === undefined && heldBack === undefined) return;
  const { rows = { given: 0, heldBack: 0 } } = notes;
  notes.rows = { given: rows.given + (given ?? 0), heldBack: rows.heldBack + (heldBack ?? 0) };
}
