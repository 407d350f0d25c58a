import { z } from 'zod';
import { defineJob } from '#platform/jobs/define-job.js';

/** It goes on where it was, so an attempt may end at any time; what it takes depends on the model. */
export const evaluateTestSetJob = defineJob({
  type: 'evaluate-test-set',
  payload: z.object({ projectId: z.uuid(), runId: z.uuid() }),
  priority: 30,
  maxAttempts: 5,
  timeoutMs: 6 * 3_600_000,
  backoffMs: 15_000,
});

export type EvaluateTestSetPayload = z.infer<typeof evaluateTestSetJob.payload>;
