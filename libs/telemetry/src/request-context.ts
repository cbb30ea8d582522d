import { AsyncLocalStorage } from 'node:async_hooks';

/** What is known about the work in hand; every log line carries it. Fields can be added while it runs. */
export interface RequestContext {
  requestId: string;
  /** From `traceparent`: the trace, and the caller's span in it. */
  traceId?: string;
  parentSpanId?: string;
  tenant?: string;
  subject?: string;
}

const storage = new AsyncLocalStorage<RequestContext>();

export const requestContext = {
  /** Runs `work`, and everything it starts, in this context. */
  run<T>(context: RequestContext, work: () => T): T {
    return storage.run(context, work);
  },
  /** The context of the work in hand; undefined outside of any. */
  get(): RequestContext | undefined {
    return storage.getStore();
  },
};
