import { clientFrameSchema, type ClientFrame } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import { isUtf8 } from 'node:buffer';

/** What a client sent, checked. @throws AppError `malformed`, `invalid_argument`, `unsupported_media_type` */
export function parseClientMessage(bytes: Buffer, isBinary: boolean): ClientFrame {
  if (isBinary) throw new AppError('unsupported_media_type', 'Send text frames that hold JSON.');
  const frame = clientFrameSchema.safeParse(parseText(bytes));
  if (frame.success) return frame.data;
  throw new AppError('invalid_argument', describe(frame.error.issues[0]));
}

function parseText(bytes: Buffer): unknown {
  try {
    if (isUtf8(bytes)) return JSON.parse(bytes.toString());
  } catch {
    // Said below, the same for all that is no JSON.
  }
  throw new AppError('malformed', 'The frame is not JSON.');
}

type Issue = { code: string; path: PropertyKey[]; message: string; keys?: string[]; note?: string };

function describe(issue: Issue | undefined): string {
  const field = issue?.path.map(String).join('.') ?? '';
  if (issue?.keys !== undefined) return `Unknown field: ${issue.keys.map((key) => key.slice(0, 64)).join(', ')}.`;
  if (field === '') return 'Send a JSON object whose t is sub, unsub, ack or auth.';
  if (field === 't') return 't: Expected sub, unsub, ack or auth.';
  return `${field}: ${issue?.message ?? 'invalid'}.`;
}
