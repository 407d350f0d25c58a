import type { Context } from '#platform/context.js';
import { enqueueJob } from '#platform/jobs/enqueue-job.js';
import { findCustomerIdOrNull } from './account-plan.queries.js';
import { endPaymentsJob } from './usage.jobs.js';

/** Has everything ended that an account pays for, when it is erased. A job does it once the transaction has committed. */
export async function endPayments(
  tx: Pick<Context, 'db' | 'clock' | 'afterCommit' | 'dispatchJob'>,
  userId: string,
): Promise<void> {
  const customerId = await findCustomerIdOrNull(tx.db, userId);
  if (customerId === null) return;
  await enqueueJob(tx, endPaymentsJob, { projectId: null, payload: { customerId } });
}
