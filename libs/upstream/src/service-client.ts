import { parseJson, type JsonObject, type JsonValue } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import { type ServiceToken } from './service-token';

export interface ServiceClientOptions {
  /** What the service is called in errors: never its address. */
  name: string;
  url: string;
  timeoutMs: number;
}

/** A service that answers 429 or 503 without a Retry-After is asked again after this time. */
const defaultRetryAfterMs = 1_000;

/** GETs rows from one service with the app's own identity, under one deadline that covers the body too. */
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
    if (response.status === 401) response = await this.fetch(url, signal, true);
    if (!response.ok) throw this.refusal(response);
    return this.read(response);
  }

  private async fetch(url: URL, signal: AbortSignal, fresh = false): Promise<Response> {
    const { token } = this;
    let bearer = await token.get();
    if (fresh) {
      token.drop(bearer);
      bearer = await token.get();
    }
    try {
      return await fetch(url, { headers: { authorization: `Bearer ${bearer}`, accept: 'application/json' }, signal });
    } catch (cause) {
      throw this.failure(cause);
    }
  }

  private async read(response: Response): Promise<JsonObject> {
    try {
      const body = parseJson(await response.text());
      if (isObject(body)) return body;
    } catch (cause) {
      throw this.failure(cause);
    }
    throw new AppError('upstream_failed', `The ${this.options.name} service gave an unexpected answer.`);
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
    if (cause instanceof DOMException && cause.name === 'TimeoutError') {
      return new AppError('timeout', `The ${name} service did not answer in time.`, { cause });
    }
    if (AppError.is(cause) && cause.code === 'malformed') {
      return new AppError('upstream_failed', `The ${name} service gave an unexpected answer.`, { cause });
    }
    const options = { cause, retryAfterMs: defaultRetryAfterMs };
    return new AppError('unavailable', `The ${name} service is not available.`, options);
  }
}

function retryAfterMs(response: Response): number {
  const seconds = Number(response.headers.get('retry-after'));
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : defaultRetryAfterMs;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
