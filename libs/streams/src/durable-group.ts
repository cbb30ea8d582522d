import { AppError } from '@tidegate/errors';
import { createHash } from 'node:crypto';
import type { CursorOwner } from './cursor';

/** Control characters, and NUL above all, which keeps the parts of what is hashed apart. */
const refused = /\p{Cc}/u;
const maxLength = 128;

/** The Kafka group that keeps the position of a durable subscription. @throws AppError `invalid_argument` for a bad name */
export function durableGroup({ stream, tenant, subject }: CursorOwner, name: string): string {
  if (name === '' || name.length > maxLength || refused.test(name)) {
    const detail = `Expected 1 to ${maxLength} characters, none of them a control character.`;
    throw new AppError('invalid_argument', `sub: ${detail}`, { details: [{ pointer: '/sub', detail }] });
  }
  const digest = createHash('sha256').update([subject, stream, name].join('\0')).digest('base64url');
  return `tidegate.${tenant ?? '-'}.${digest.slice(0, 22)}`;
}
