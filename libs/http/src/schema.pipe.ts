import { Injectable, StandardSchemaValidationPipe, type ArgumentMetadata } from '@nestjs/common';
import { AppError, type FieldProblem } from '@tidegate/errors';
import { pointerOf } from './json-body';

type Issue = { message: string; path?: readonly unknown[] | undefined; keys?: unknown };

const places: Record<ArgumentMetadata['type'], string> = {
  body: 'body',
  query: 'query',
  param: 'path',
  custom: 'request',
};

/**
 * Checks `@Body({ schema })`, `@Query({ schema })` and `@Param('id', { schema })`, and passes on what the schema made of
 * them. A body without a schema is a mistake of ours, and refused.
 */
@Injectable()
export class SchemaPipe extends StandardSchemaValidationPipe {
  override async transform<T>(value: T, metadata: ArgumentMetadata): Promise<T> {
    const { schema, type, data } = metadata;
    if (schema === undefined) {
      if (type === 'body') throw new AppError('internal', 'This body cannot be taken.', { cause: 'no schema' });
      return value;
    }
    const result = await this.validate<T>(value, schema);
    if (result.issues === undefined) return result.value;
    const details = result.issues.flatMap((issue) => problemsOf(issue, data));
    throw new AppError('invalid_argument', `The ${places[type]} has invalid input.`, { details });
  }
}

// Zod says in one issue which fields it does not know; a client wants one line for each.
function problemsOf({ message, path = [], keys }: Issue, name: string | undefined): FieldProblem[] {
  const parts = [...(name === undefined ? [] : [name]), ...path.map(partOf)];
  if (!Array.isArray(keys)) return [{ pointer: pointerOf(parts), detail: message }];
  return keys.map((key) => ({ pointer: pointerOf([...parts, String(key)]), detail: 'Unknown field; remove it.' }));
}

function partOf(segment: unknown): string {
  return String(typeof segment === 'object' && segment !== null ? (segment as { key?: unknown }).key : segment);
}
