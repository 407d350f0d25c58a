import { AppError } from '#kernel/app-error.js';
import { isId } from '#kernel/ids.js';

export interface Page<Row> {
  data: Row[];
  nextCursor: string | null;
}

/**
 * The id that a cursor stands for. Ids are UUIDv7, so that "after this id" is "after this time" and pages stay
 * stable while rows are added.
 * @throws AppError `validation_failed` for a cursor that this server did not make
 */
export function cursorId(cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  const id = Buffer.from(cursor, 'base64url').toString('utf8');
  if (isId(id)) return id;
  throw new AppError('validation_failed', 'The cursor is not valid: use `nextCursor` of the page before.', {
    errors: [{ path: 'cursor', message: 'is not valid' }],
  });
}

/** @param rows up to `limit + 1` rows: the one too many tells that there is a next page */
export function pageOf<Row extends { id: string }>(rows: Row[], limit: number): Page<Row> {
  const data = rows.slice(0, limit);
  const last = data.at(-1);
  const hasMore = rows.length > limit && last !== undefined;
  return { data, nextCursor: hasMore ? Buffer.from(last.id).toString('base64url') : null };
}
