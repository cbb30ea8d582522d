import { auditNotes, requestEntry, type AuditEntry } from '@tidegate/audit';
import type { Principal } from '@tidegate/auth';
import { requestIdOf, traceOf } from '@tidegate/http';
import type { RequestContext } from '@tidegate/telemetry';
import type { IncomingMessage } from 'node:http';

/** What an upgrade is about: the pattern of its path and what the pattern left open; none where nothing stands at the path. */
export interface UpgradeRoute {
  route: string | undefined;
  params: Readonly<Record<string, string>>;
}

/** One upgrade from its request to its answer. */
export class UpgradeAttempt {
  /** Known once the token has been checked. */
  principal: Principal | undefined;
  readonly context: RequestContext;
  private readonly startedAtMs = performance.now();
  private readonly address: string | undefined;

  constructor(
    private readonly request: IncomingMessage,
    private readonly place: UpgradeRoute,
  ) {
    this.context = { requestId: requestIdOf(request.headers), ...traceOf(request.headers) };
    this.address = request.socket.remoteAddress;
  }

  /** The event that tells how it went. */
  entry(status: number, outcome: string): AuditEntry {
    const { url = '', headers } = this.request;
    return requestEntry({
      ...this.place,
      method: 'WEBSOCKET',
      queryNames: [...new URLSearchParams(url.split('?', 2)[1]).keys()],
      principal: this.principal,
      status,
      outcome,
      latencyMs: performance.now() - this.startedAtMs,
      requestId: this.context.requestId,
      traceId: this.context.traceId,
      address: this.address,
      userAgent: headers['user-agent'],
      notes: auditNotes.of(this.context),
    });
  }
}
