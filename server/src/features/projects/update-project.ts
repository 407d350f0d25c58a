import { withoutUndefined } from '#kernel/without-undefined.js';
import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { type ProjectChanges, type ProjectRow, findProject, updateProjectRow } from './projects.queries.js';
import type { UpdateProjectInput } from './projects.schemas.js';

/** Changes settings of a project; the audit log keeps what each was before. */
export function updateProject(
  ctx: Pick<Context, 'db' | 'afterCommit'>,
  scope: ProjectScope,
  input: UpdateProjectInput,
): Promise<ProjectRow> {
  return inTransaction(ctx, async (tx) => {
    const before = await findProject(tx.db, scope);
    const { retrievalOptions, answerOptions, ...changes } = input;
    const after = await updateProjectRow(tx.db, scope, {
      ...(changes as ProjectChanges),
      // Options are changed one by one: what is not named stays.
      ...(retrievalOptions && {
        retrievalOptions: { ...before.retrievalOptions, ...withoutUndefined(retrievalOptions) },
      }),
      ...(answerOptions && {
        answerOptions: { ...before.answerOptions, ...withoutUndefined(answerOptions) },
      }),
    });
    const names = Object.keys(input) as (keyof UpdateProjectInput)[];
    await recordAudit(tx, scope, {
      projectId: scope.projectId,
      action: 'project.update',
      resourceType: 'project',
      resourceId: scope.projectId,
      changes: Object.fromEntries(names.map((name) => [name, { before: before[name], after: after[name] }])),
    });
    return after;
  });
}
