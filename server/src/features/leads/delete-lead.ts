import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { deleteLeadRow } from './leads.queries.js';

/** Deletes a lead. @throws AppError `not_found` */
export function deleteLead(
  ctx: Pick<Context, 'db' | 'afterCommit'>,
  scope: ProjectScope,
  leadId: string,
): Promise<void> {
  return inProjectTransaction(ctx, scope, async (tx) => {
    if (!(await deleteLeadRow(tx.db, scope, leadId))) {
      throw new AppError('not_found', 'There is no such lead.');
    }
    await recordAudit(tx, scope, {
      projectId: scope.projectId,
      action: 'lead.delete',
      resourceType: 'lead',
      resourceId: leadId,
    });
  });
}
