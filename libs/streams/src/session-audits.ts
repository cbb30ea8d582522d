import { actorOf, auditNotes, type AuditEntry, type AuditLog } from '@tidegate/audit';
import type { AuditTopic } from '@tidegate/contracts';
import { requestContext } from '@tidegate/telemetry';
import type { RowCounts } from './row-tally';
import type { Sight } from './sight';
import type { StreamChannel } from './stream-channel';
import type { StreamSession } from './stream-session';

type Position = readonly (readonly bigint[])[];

export interface SessionAuditsOptions {
  log: Pick<AuditLog, 'record'>;
  policyVersion: () => string;
  /** How often a session that gets something says how much. */
  summaryMs: number;
  now: () => number;
}

/** What is remembered of a session between two of its events. */
interface Trail {
  startedAtMs: number;
  saidAtMs: number;
  from: Position;
  rows: RowCounts;
  request: { requestId?: string; traceId?: string };
}

/** Which caller got how much of which stream, from which offsets: at the start of a session, each minute, and at its end. */
export class SessionAudits {
  private readonly trails = new Map<StreamSession, Trail>();

  constructor(private readonly options: SessionAuditsOptions) {}

  started(session: StreamSession): void {
    const nowMs = this.options.now();
    const { requestId, traceId } = requestContext.get() ?? {};
    const request = { ...(requestId !== undefined && { requestId }), ...(traceId !== undefined && { traceId }) };
    const from = copyOf(session.position);
    const trail = { startedAtMs: nowMs, saidAtMs: nowMs, from, rows: session.tally.counts, request };
    this.trails.set(session, trail);
    const { sight } = session;
    auditNotes.add({ stream: sight.stream, grants: sight.grantIds, policyVersion: this.options.policyVersion() });
    this.say('start', session, trail, 'ok');
  }

  /** Says what the last minute has brought, if anything. */
  look(session: StreamSession, nowMs: number): void {
    const trail = this.trails.get(session);
    if (trail === undefined || nowMs - trail.saidAtMs < this.options.summaryMs) return;
    const { given, heldBack } = session.tally.counts;
    if (given === trail.rows.given && heldBack === trail.rows.heldBack) trail.saidAtMs = nowMs;
    else this.say('minute', session, trail, 'ok');
  }

  ended(session: StreamSession): void {
    const trail = this.trails.get(session);
    this.trails.delete(session);
    if (trail !== undefined) this.say('end', session, trail, session.endedBy);
  }

  /** A read is part of a request, and goes into its event. */
  read(
    channel: StreamChannel,
    sight: Pick<Sight, 'stream' | 'grantIds'>,
    from: Position,
    outcome: RowCounts & { position: Position },
  ): void {
    const { given, heldBack, position } = outcome;
    auditNotes.add({
      stream: sight.stream,
      grants: sight.grantIds,
      policyVersion: this.options.policyVersion(),
      given,
      heldBack,
      topics: topicsBetween(channel, from, position, 'moved'),
    });
  }

  /** Rows and offsets are those since the session's last event. */
  private say(kind: 'start' | 'minute' | 'end', session: StreamSession, trail: Trail, outcome: string): void {
    const nowMs = this.options.now();
    const { counts } = session.tally;
    const position = copyOf(session.position);
    const entry: AuditEntry = {
      type: `stream.${kind}`,
      operation: `stream.${kind}`,
      actor: actorOf(session.caller),
      action: 'read',
      resource: {
        streams: [session.stream],
        topics: topicsBetween(session.channel, trail.from, position, kind === 'start' ? 'all' : 'moved'),
      },
      decision: 'allow',
      grants: [...session.sight.grantIds],
      policyVersion: this.options.policyVersion(),
      rows: { given: counts.given - trail.rows.given, heldBack: counts.heldBack - trail.rows.heldBack },
      latencyMs: nowMs - trail.startedAtMs,
      ...trail.request,
      sessionId: session.id,
      outcome,
    };
    Object.assign(trail, { saidAtMs: nowMs, from: position, rows: counts });
    this.options.log.record(entry);
  }
}

export function copyOf(position: Position): Position {
  return position.map((offsets) => [...offsets]);
}

function topicsBetween({ options }: StreamChannel, from: Position, to: Position, which: 'all' | 'moved'): AuditTopic[] {
  return options.feeds.flatMap(({ topic }, source) => {
    const ranges = (to[source] ?? []).flatMap((end, partition) => {
      const first = from[source]?.[partition] ?? 0n;
      // A topic that was made again begins anew.
      const start = first > end ? 0n : first;
      return which === 'moved' && start === end ? [] : [{ partition, from: String(start), to: String(end) }];
    });
    return ranges.length === 0 ? [] : [{ topic, ranges }];
  });
}
