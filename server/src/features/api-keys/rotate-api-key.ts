import { AppError } from '#kernel/app-error.js';
import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { SessionCaller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { generateApiKey } from './api-key.js';
import {
  type ApiKeyRow,
  findApiKeyLocked,
  insertApiKey,
  updateApiKeyRevocation,
} from './api-keys.queries.js';
import type { CreatedApiKey } from './create-api-key.js';

/**
 * Puts a new key in the place of one: same name, project and scopes, and a life as long as the old one was given. The
 * old one still works for `overlapSeconds`. A key has one successor: whoever rotates it again has lost a race.
 * @throws AppError `not_found`, `conflict` for a key that was rotated already or has expired
 */
export function rotateApiKey(
  ctx: Pick<Context, 'db' | 'afterCommit' | 'clock'>,
  caller: SessionCaller,
  { keyId, overlapSeconds }: { keyId: string; overlapSeconds: number },
): Promise<CreatedApiKey> {
  const now = ctx.clock.now();
  const { userId } = caller.actor;
  const { key, keyHash, prefix } = generateApiKey();
  return inTransaction(ctx, async (tx) => {
    const old = await findApiKeyLocked(tx.db, { userId, keyId, now });
    refuseUnlessCurrent(old, now);
    await updateApiKeyRevocation(tx.db, old.id, new Date(now.getTime() + overlapSeconds * 1000));
    const { projectId, name, scopes } = old;
    const made = {
      id: newId(),
      userId,
      projectId,
      name,
      scopes,
      expiresAt: nextEnd(old, now),
      createdAt: now,
    };
    const row = await insertApiKey(tx.db, { ...made, keyHash, prefix });
    await recordAudit(tx, caller, {
      projectId,
      action: 'api_key.rotate',
      resourceType: 'api_key',
      resourceId: old.id,
      changes: { successorId: row.id, overlapSeconds },
    });
    return { row, key };
  });
}

function refuseUnlessCurrent(old: ApiKeyRow, now: Date): void {
  if (old.revokedAt !== null) {
    throw new AppError('conflict', 'This API key was rotated already. Use its successor, or make a new key.');
  }
  if (old.expiresAt !== null && old.expiresAt <= now) {
    throw new AppError('conflict', 'This API key has expired. Make a new one.');
  }
}

function nextEnd({ expiresAt, createdAt }: ApiKeyRow, now: Date): Date | null {
  return expiresAt === null ? null : new Date(now.getTime() + expiresAt.getTime() - createdAt.getTime());
}
