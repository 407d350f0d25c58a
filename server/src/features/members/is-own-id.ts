import type { Caller } from '#platform/scope.js';

/** Whether an id from a path, in whatever case, is that of the caller itself. */
export function isOwnId({ actor }: Caller, userId: string): boolean {
  return actor.type === 'user' && actor.userId === userId.toLowerCase();
}
