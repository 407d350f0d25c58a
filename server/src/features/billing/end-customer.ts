import { AppError } from '#kernel/app-error.js';
import type { JobHandler } from '#platform/jobs/define-job.js';

/** Ends at Stripe what an account paid that is erased here. */
export const endCustomer: JobHandler<{ customerId: string }> = {
  run: async (ctx, _job, { customerId }) => {
    if (ctx.payments === null) {
      throw new AppError('unavailable', 'Payments are not set up any more: set the keys of Stripe again.');
    }
    await ctx.payments.endCustomer(customerId);
  },
  retried: async () => {},
  ended: async (tx, { customerId }) => {
    tx.log.error(
      { customer: customerId },
      'an account was erased, and its subscription goes on: cancel it at Stripe, or run the job again',
    );
  },
};
