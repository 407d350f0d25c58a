import type { Context } from '#platform/context.js';
import { deleteApiKeys } from './api-keys.queries.js';

/** For so long the row tells whose key it was that the log speaks of. */
const KEEP_MS = 30 * 24 * 3_600_000;

/** Deletes keys that were revoked or expired long ago. @returns how many */
export function deleteEndedApiKeys(ctx: Pick<Context, 'db' | 'clock'>): Promise<number> {
  return deleteApiKeys(ctx.db, new Date(ctx.clock.now().getTime() - KEEP_MS));
}
