import { withoutUndefined } from '#kernel/without-undefined.js';
import type { Context } from '#platform/context.js';
import { enqueueJob } from '#platform/jobs/enqueue-job.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { changedFields } from '#features/audit/changed-fields.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { answerOptionsOf } from './project-options.js';
import { calibrateDedupeKey, calibrateThresholdJob } from './projects.jobs.js';
import { type ProjectChanges, type ProjectRow, findProject, updateProjectRow } from './projects.queries.js';
import type { UpdateProjectInput } from './projects.schemas.js';

/** Changes settings of a project; the audit log keeps what each was before. */
export function updateProject(
  ctx: Pick<Context, 'db' | 'clock' | 'afterCommit' | 'dispatchJob'>,
  scope: ProjectScope,
  input: UpdateProjectInput,
): Promise<ProjectRow> {
  return inProjectTransaction(ctx, scope, async (tx) => {
    const before = await findProject(tx.db, scope);
    const { retrievalOptions, answerOptions, retention, ...changes } = input;
    const after = await updateProjectRow(tx.db, scope, {
      ...(changes as ProjectChanges),
      // Options are changed one by one: what is not named stays.
      ...(retrievalOptions && {
        retrievalOptions: { ...before.retrievalOptions, ...withoutUndefined(retrievalOptions) },
      }),
      ...(answerOptions && {
        answerOptions: { ...before.answerOptions, ...withoutUndefined(answerOptions) },
      }),
      ...(retention && { retention: { ...before.retention, ...withoutUndefined(retention) } }),
    });
    if (isCalibrated(after) && !isCalibrated(before)) {
      const { id: projectId, indexVersion } = after;
      const dedupeKey = calibrateDedupeKey(projectId);
      await enqueueJob(tx, calibrateThresholdJob, {
        projectId,
        payload: { projectId, indexVersion },
        dedupeKey,
      });
    }
    const names = Object.keys(input) as (keyof UpdateProjectInput)[];
    await recordAudit(tx, scope, {
      projectId: scope.projectId,
      action: 'project.update',
      resourceType: 'project',
      resourceId: scope.projectId,
      changes: changedFields(before, after, names),
    });
    return after;
  });
}

function isCalibrated({ answerOptions }: ProjectRow): boolean {
  return answerOptionsOf(answerOptions).threshold === 'calibrated';
}
