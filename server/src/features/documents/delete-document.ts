import { AppError } from '#kernel/app-error.js';
import { isId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { deleteDocumentRow } from './documents.queries.js';

/** Deletes a document with its chunks, vectors and postings. @throws AppError `not_found` */
export function deleteDocument(
  ctx: Pick<Context, 'db' | 'afterCommit'>,
  scope: ProjectScope,
  documentId: string,
): Promise<void> {
  return inProjectTransaction(ctx, scope, async (tx) => {
    const isDeleted = isId(documentId) && (await deleteDocumentRow(tx.db, scope, documentId));
    if (!isDeleted) throw new AppError('not_found', 'There is no such document.');
    await recordAudit(tx, scope, {
      projectId: scope.projectId,
      action: 'document.delete',
      resourceType: 'document',
      resourceId: documentId,
    });
  });
}
