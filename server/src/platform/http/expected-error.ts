import { AppError } from '#kernel/app-error.js';
import { SourceError } from '#kernel/source-error.js';
import { isDatabaseUnavailable, isForeignKeyViolation } from '../database-errors.js';

/** What a failure means to a caller; one that means nothing to it comes back as it was. */
export function expectedError(error: unknown): Error {
  if (error instanceof AppError) return error;
  // Before the database: a site that refuses connections is not one.
  if (error instanceof SourceError) {
    const errors = [{ path: 'source', message: error.reason }];
    return new AppError('unusable_content', error.message, { errors, cause: error.cause });
  }
  if (isDatabaseUnavailable(error)) {
    return new AppError('unavailable', 'The database cannot be reached at the moment. Please try again.', {
      cause: error,
    });
  }
  if (isForeignKeyViolation(error)) {
    return new AppError('not_found', 'What this belongs to was deleted in the meantime.', { cause: error });
  }
  if (error instanceof DOMException && error.name === 'AbortError') {
    return new AppError('request_timeout', 'The request was given up before it was answered.');
  }
  return error instanceof Error ? error : new Error('a value that is no error was thrown');
}
