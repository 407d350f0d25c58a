import { AppError } from '#kernel/app-error.js';
import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { SessionCaller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { authorizeProject } from '#features/projects/authorize-project.js';
import { generateApiKey } from './api-key.js';
import { type ApiKeyRow, countApiKeysLocked, insertApiKey } from './api-keys.queries.js';
import type { CreateApiKeyInput } from './api-keys.schemas.js';

/** Living keys of one user. */
const MAX_API_KEYS = 100;

export interface CreatedApiKey {
  row: ApiKeyRow;
  /** The key itself, which is not stored. */
  key: string;
}

/**
 * Makes an API key for a user, who hands it to a program.
 * @throws AppError `not_found` for a project that the user is no member of, `validation_failed` for an end in the past,
 * `conflict` for one key too many
 */
export async function createApiKey(
  ctx: Pick<Context, 'db' | 'afterCommit' | 'clock'>,
  caller: SessionCaller,
  input: CreateApiKeyInput,
): Promise<CreatedApiKey> {
  const now = ctx.clock.now();
  const expiresAt = parseEnd(input.expiresAt ?? null, now);
  const projectId = input.projectId ?? null;
  const { key, keyHash, prefix } = generateApiKey();
  const { userId } = caller.actor;
  return inTransaction(ctx, async (tx) => {
    if (projectId !== null) await authorizeProject(tx, caller, projectId, 'project:read');
    if ((await countApiKeysLocked(tx.db, userId, now)) >= MAX_API_KEYS) {
      throw new AppError('conflict', `You have ${MAX_API_KEYS} API keys. Revoke one that is no longer used.`);
    }
    const { name, scopes } = input;
    const made = { id: newId(), userId, projectId, name, scopes, expiresAt, createdAt: now };
    const row = await insertApiKey(tx.db, { ...made, keyHash, prefix });
    await recordAudit(tx, caller, {
      projectId: row.projectId,
      action: 'api_key.create',
      resourceType: 'api_key',
      resourceId: row.id,
      changes: { name, scopes, expiresAt: input.expiresAt ?? null },
    });
    return { row, key };
  });
}

function parseEnd(text: string | null, now: Date): Date | null {
  if (text === null) return null;
  const end = new Date(text);
  if (end > now) return end;
  throw new AppError('validation_failed', 'The key would have expired already.', {
    errors: [{ path: 'expiresAt', message: 'must lie in the future' }],
  });
}
