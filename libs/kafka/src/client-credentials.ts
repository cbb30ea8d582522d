import { AppError } from '@tidegate/errors';
import { z } from 'zod';
import type { TokenSource } from './security';

export interface ClientCredentials {
  tokenUrl: string;
  clientId: string;
  clientSecret: string;
  timeoutMs?: number;
}

const answerSchema = z.object({ access_token: z.string().min(1), expires_in: z.number().positive().optional() });
/** A token that ends while the broker looks at it is none. */
const minLifeMs = 30_000;
const defaultTimeoutMs = 5_000;

/** OAuth 2.0 client credentials (RFC 6749 §4.4): asked when needed, kept while it lives. */
export function clientCredentialsToken(credentials: ClientCredentials, now = Date.now): TokenSource {
  let kept: { token: string; untilMs: number } | undefined;
  let asking: Promise<string> | undefined;
  const renew = async (): Promise<string> => {
    const { access_token: token, expires_in: seconds } = await ask(credentials);
    kept = seconds === undefined ? undefined : { token, untilMs: now() + seconds * 1000 - minLifeMs };
    return token;
  };
  return async () => {
    if (kept && now() < kept.untilMs) return kept.token;
    // Every client connects to every broker at the start.
    asking ??= renew().finally(() => {
      asking = undefined;
    });
    return asking;
  };
}

async function ask({ tokenUrl, clientId, clientSecret, timeoutMs = defaultTimeoutMs }: ClientCredentials) {
  const basic = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`).toString('base64');
  const response = await fetch(tokenUrl, {
    method: 'POST',
    headers: { authorization: `Basic ${basic}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw new AppError('unavailable', `The token endpoint for Kafka answered ${response.status}.`);
  }
  const answer = answerSchema.safeParse(await response.json());
  if (!answer.success) throw new AppError('unavailable', 'The token endpoint for Kafka gave no access token.');
  return answer.data;
}
