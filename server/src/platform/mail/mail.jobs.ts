import { z } from 'zod';
import { defineJob } from '../jobs/define-job.js';

export const sendMailJob = defineJob({
  type: 'send-mail',
  payload: z.object({
    /** The mail, encrypted (AES-256-GCM) and in base64: it holds an address, and perhaps a token. */
    sealed: z.base64(),
  }),
  priority: 10,
  maxAttempts: 8,
  timeoutMs: 60_000,
  backoffMs: 10_000,
  isForgotten: true,
});
