import type { Context } from '#platform/context.js';
import type { SessionCaller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { findApiKeyLocked, updateApiKeyRevocation } from './api-keys.queries.js';

/**
 * Ends a key at once. Its row stays for a while, so that the log can tell whose it was.
 * @throws AppError `not_found`
 */
export function revokeApiKey(
  ctx: Pick<Context, 'db' | 'afterCommit' | 'clock'>,
  caller: SessionCaller,
  keyId: string,
): Promise<void> {
  const now = ctx.clock.now();
  return inTransaction(ctx, async (tx) => {
    const row = await findApiKeyLocked(tx.db, { userId: caller.actor.userId, keyId, now });
    await updateApiKeyRevocation(tx.db, row.id, now);
    await recordAudit(tx, caller, {
      projectId: row.projectId,
      action: 'api_key.revoke',
      resourceType: 'api_key',
      resourceId: row.id,
      changes: { name: row.name },
    });
  });
}
