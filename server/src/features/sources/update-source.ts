import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { type SourceRow, findSource, updateSourceRow } from './sources.queries.js';
import type { UpdateSourceInput } from './sources.schemas.js';

/** Renames a source or replaces its metadata. @throws AppError `not_found` */
export function updateSource(
  ctx: Pick<Context, 'db' | 'afterCommit'>,
  scope: ProjectScope,
  sourceId: string,
  input: UpdateSourceInput,
): Promise<SourceRow> {
  return inTransaction(ctx, async (tx) => {
    const before = await findSource(tx.db, scope, sourceId);
    const changes = {
      ...(input.name === undefined ? {} : { name: input.name }),
      ...(input.metadata === undefined ? {} : { metadata: input.metadata }),
    };
    const after = await updateSourceRow(tx.db, scope, sourceId, changes);
    await recordAudit(tx, scope, {
      projectId: scope.projectId,
      action: 'source.update',
      resourceType: 'source',
      resourceId: sourceId,
      changes: { name: { before: before.name, after: after.name } },
    });
    return after;
  });
}
