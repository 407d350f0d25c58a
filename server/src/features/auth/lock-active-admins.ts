import type { Context } from '#platform/context.js';
import { lockActiveAdminIds } from './auth.queries.js';

/** Ids of those who are admins and not suspended, locked: changes to who is one happen one after the other. */
export function lockActiveAdmins(tx: Pick<Context, 'db'>): Promise<string[]> {
  return lockActiveAdminIds(tx.db);
}
