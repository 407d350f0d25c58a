import type { Context } from '../context.js';

/** A killed worker's job runs again within this and the two seconds or so until somebody looks. */
const LEASE_MS = 10_000;

export function leaseEnd(ctx: Pick<Context, 'clock'>): Date {
  return new Date(ctx.clock.now().getTime() + LEASE_MS);
}

/** Why an attempt was aborted, as `signal.reason`. */
export class AttemptAborted extends Error {
  readonly why: 'cancelled' | 'lost' | 'timeout' | 'released';

  constructor(why: 'cancelled' | 'lost' | 'timeout' | 'released') {
    super(`the attempt was aborted: ${why}`);
    this.name = 'AbortError';
    this.why = why;
  }
}
