import type { Ending } from './connection';
import { isFinal, StreamError } from './stream-error';

/** What an answer other than the expected one means. @throws StreamError when asking again would not help */
export async function endingOf(response: Response): Promise<Ending> {
  const { status, headers } = response;
  const { code = fallbackCode(status), detail } = await problemIn(response);
  const message = detail ?? `The server answered ${status}.`;
  if (status < 500 && status !== 429 && isFinal(code)) throw new StreamError(code, message);
  const [seconds] = /^\d+$/.exec(headers.get('retry-after') ?? '') ?? [];
  // The same for everybody who was refused: some come later, so that not all come together.
  const spread = 1 + Math.random() / 2;
  return { reason: message, retryMs: seconds === undefined ? undefined : Number(seconds) * 1_000 * spread };
}

async function problemIn(response: Response): Promise<{ code?: string; detail?: string }> {
  try {
    return (await response.json()) as { code?: string; detail?: string };
  } catch {
    // Of a proxy, or cut: the status says enough.
    return {};
  }
}

function fallbackCode(status: number): string {
  const codes: Record<number, string> = { 401: 'unauthenticated', 403: 'permission_denied', 404: 'not_found' };
  return codes[status] ?? 'refused';
}
