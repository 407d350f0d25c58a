import type { Context } from '#platform/context.js';
import { deleteInvitationsExpiredBefore } from './invitations.queries.js';

/** Until then an owner may send it again. Longer there is no reason to keep a stranger's address. */
const KEEP_MS = 30 * 24 * 3_600_000;

/** Deletes invitations that expired long ago, the accepted and withdrawn ones too. @returns how many */
export function deleteExpiredInvitations(ctx: Pick<Context, 'db' | 'clock'>): Promise<number> {
  return deleteInvitationsExpiredBefore(ctx.db, new Date(ctx.clock.now().getTime() - KEEP_MS));
}
