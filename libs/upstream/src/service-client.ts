import { parseJson, type JsonObject, type JsonValue } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import { type ServiceToken } from './service-token';

export interface ServiceClientOptions {
  /** What the service is called in errors: never its address. */
  name: string;
  url: string;
  timeoutMs: number;
}

/** Rows of a page come in tens of KiB; what is larger than this is no answer that anybody asked for. */
const maxBodyBytes = 4 * 1024 * 1024;
/** A service that answers 429 or 503 without a Retry-After is asked again after this time. */
const defaultRetryAfterMs = 1_000;

/** GETs rows from one service with the app's own identity, under one deadline that covers its token and the body too. */
export class ServiceClient {
  constructor(
    private readonly options: ServiceClientOptions,
    private readonly token: ServiceToken,
  ) {}

  /**
   * The JSON object at `path`, every digit kept.
   * @throws AppError `not_found`, `invalid_argument`, `timeout`, `unavailable` or `upstream_failed`.
   */
  async get(path: string, query: Record<string, string | number | undefined> = {}): Promise<JsonObject> {
    const signal = AbortSignal.timeout(this.options.timeoutMs);
    const url = new URL(path, this.options.url);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    let response = await this.fetch(url, signal);
    // The issuer may have rotated its keys since the token was made: one fresh token, then the answer counts.
    if (response.status === 401) {
      await release(response);
      response = await this.fetch(url, signal, true);
    }
    if (response.ok) return this.read(response);
    await release(response);
    throw this.refusal(response);
  }

  private async fetch(url: URL, signal: AbortSignal, fresh = false): Promise<Response> {
    const bearer = await this.bearer(signal, fresh);
    try {
      const headers = { authorization: `Bearer ${bearer}`, accept: 'application/json' };
      // A redirect could lead our token and our reach anywhere: services answer at their own address.
      return await fetch(url, { headers, signal, redirect: 'manual' });
    } catch (cause) {
      throw this.failure(cause);
    }
  }

  private async bearer(signal: AbortSignal, fresh: boolean): Promise<string> {
    const { token } = this;
    try {
      if (fresh) token.drop(await within(signal, token.get()));
      return await within(signal, token.get());
    } catch (cause) {
      throw AppError.is(cause) ? cause : this.failure(cause);
    }
  }

  private async read(response: Response): Promise<JsonObject> {
    let cause: unknown;
    try {
      const body = parseJson(await textOf(response));
      if (isObject(body)) return body;
    } catch (error) {
      if (isTimeout(error)) throw this.failure(error);
      cause = error;
    }
    throw new AppError('upstream_failed', `The ${this.options.name} service gave an unexpected answer.`, { cause });
  }

  private refusal(response: Response): AppError {
    const { name } = this.options;
    const cause = new Error(`${name} answered ${response.status}`);
    switch (response.status) {
      case 400:
        return new AppError('invalid_argument', `The ${name} service does not accept this request.`, { cause });
      case 404:
        return new AppError('not_found', 'There is no such resource for this caller.', { cause });
      case 429:
      case 503:
        return new AppError('unavailable', `The ${name} service is not available.`, {
          cause,
          retryAfterMs: retryAfterMs(response),
        });
      default:
        return new AppError('upstream_failed', `The ${name} service failed.`, { cause });
    }
  }

  private failure(cause: unknown): AppError {
    const { name } = this.options;
    if (isTimeout(cause)) {
      return new AppError('timeout', `The ${name} service did not answer in time.`, { cause });
    }
    const options = { cause, retryAfterMs: defaultRetryAfterMs };
    return new AppError('unavailable', `The ${name} service is not available.`, options);
  }
}

/** Frees the connection of an answer that nobody reads. */
async function release(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined);
}

/** The work is shared with other calls, so it goes on when this one's time is over. */
async function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  signal.throwIfAborted();
  let stop = (): void => undefined;
  const over = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, over]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** @throws AppError `too_large`, or what the connection says. */
async function textOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop early cancels the body, and that frees the connection.
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > maxBodyBytes) throw new AppError('too_large', `The answer is over ${maxBodyBytes} bytes.`);
    chunks.push(chunk);
  }
  return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError';
}

function retryAfterMs(response: Response): number {
  const seconds = Number(response.headers.get('retry-after'));
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : defaultRetryAfterMs;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
