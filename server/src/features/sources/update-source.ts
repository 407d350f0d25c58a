import { AppError } from '#kernel/app-error.js';
import { withoutUndefined } from '#kernel/without-undefined.js';
import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction, readInProject } from '#platform/transaction.js';
import { changedFields } from '#features/audit/changed-fields.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { nextSyncAfter } from '#kernel/sync-interval.js';
import { storePairs } from './create-source.js';
import { type SourceRow, findSource, lockSource, updateSourceRow } from './sources.queries.js';
import type { UpdateSourceInput } from './sources.schemas.js';
import { syncSource } from './sync-source.js';

/**
 * Renames a source, replaces its metadata, its interval or its questions and answers; the latter are indexed anew.
 * @throws AppError `not_found`, `validation_failed`
 */
export async function updateSource(
  ctx: Pick<Context, 'db' | 'clock' | 'storage' | 'afterCommit' | 'dispatchJob'>,
  scope: ProjectScope,
  sourceId: string,
  input: UpdateSourceInput,
): Promise<SourceRow> {
  const { pairs, ...plain } = input;
  const { id, origin } = await readInProject(ctx, scope, (tx) => findSource(tx.db, scope, sourceId));
  if (pairs !== undefined && origin.type !== 'qa') throw notOf(origin.type, 'pairs');
  if (plain.syncEvery != null && origin.type !== 'url') throw notOf(origin.type, 'syncEvery');
  const stored = pairs === undefined ? {} : { origin: await storePairs(ctx, scope, id, pairs) };
  return inProjectTransaction(ctx, scope, async (tx) => {
    const before = await lockSource(tx.db, scope, id);
    const { syncEvery } = plain;
    const after = await updateSourceRow(tx.db, scope, id, {
      ...withoutUndefined(plain),
      ...stored,
      ...(syncEvery === undefined
        ? {}
        : { nextSyncAt: nextSyncAfter(syncEvery, before.lastSyncedAt ?? tx.clock.now()) }),
    });
    await recordAudit(tx, scope, {
      projectId: scope.projectId,
      action: 'source.update',
      resourceType: 'source',
      resourceId: id,
      changes: {
        ...changedFields(before, after, ['name', 'metadata', 'syncEvery']),
        ...(pairs === undefined ? {} : { pairs: { after: `${pairs.length} questions` } }),
      },
    });
    return pairs === undefined ? after : syncSource(tx, scope, id);
  });
}

function notOf(type: string, path: string): AppError {
  const message = `is not a setting of a source of type ${type}`;
  return new AppError('validation_failed', `The request is not valid. ${path}: ${message}`, {
    errors: [{ path, message }],
  });
}
