import { z } from 'zod';
import { defineJob } from '#platform/jobs/define-job.js';

/** Ends what an erased account pays, where it is paid. Tried for hours: who provides that may be away. */
export const endPaymentsJob = defineJob({
  type: 'end-payments',
  payload: z.object({ customerId: z.string().min(1) }),
  priority: 20,
  maxAttempts: 200,
  timeoutMs: 120_000,
  backoffMs: 5_000,
});
