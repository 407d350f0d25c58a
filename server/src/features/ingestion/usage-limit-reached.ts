import { SourceError } from '#kernel/source-error.js';

/** A page that is new would be more than the account may hold. @param limit that many it may */
export function usageLimitReached(limit: number): SourceError {
  return new SourceError(
    'usage_limit',
    `The account may hold ${limit} indexed pages, and has no place left for this one. Delete pages or sources that are not needed, or take a larger plan or an add-on; then sync the source again.`,
  );
}
