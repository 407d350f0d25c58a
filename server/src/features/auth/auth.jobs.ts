import { z } from 'zod';
import { defineJob } from '#platform/jobs/define-job.js';

export const requestPasswordResetJob = defineJob({
  type: 'request-password-reset',
  payload: z.object({
    /** The address, encrypted and in base64. */
    sealedEmail: z.base64(),
  }),
  priority: 10,
  maxAttempts: 5,
  timeoutMs: 30_000,
  backoffMs: 2_000,
  isForgotten: true,
});
