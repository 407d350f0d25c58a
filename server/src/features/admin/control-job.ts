import type { Context } from '#platform/context.js';
import { cancelOneJob } from '#platform/jobs/cancel-one-job.js';
import type { JobRegistry } from '#platform/jobs/job-registry.js';
import { retryJob } from '#platform/jobs/retry-job.js';
import type { UserCaller } from '#platform/scope.js';
import { inJobTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { type ShownJob, findJob } from './jobs.queries.js';

const ACTS = { retry: retryJob, cancel: cancelOneJob };

/**
 * Runs a job once more that came to nothing, or stops one that has not ended.
 * @throws AppError `not_found`, `conflict` where the job's state does not allow it
 */
export async function controlJob(
  ctx: Context,
  caller: UserCaller,
  { registry, jobId, act }: { registry: JobRegistry; jobId: string; act: keyof typeof ACTS },
): Promise<ShownJob> {
  const before = await findJob(ctx.db, jobId);
  return inJobTransaction(ctx, before, async (tx) => {
    const after = await ACTS[act](tx, registry, jobId);
    await recordAudit(tx, caller, {
      projectId: after.projectId,
      action: `admin.job.${act}`,
      resourceType: 'job',
      resourceId: after.id,
      changes: {
        type: after.type,
        status: { before: before.status, after: after.status },
        ...(after.cancelRequestedAt === null ? {} : { cancelRequested: true }),
      },
    });
    return after;
  });
}
