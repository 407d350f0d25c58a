import type { z } from 'zod';
import type { InvitationRow } from './invitations.queries.js';
import type { MemberRow } from './members.queries.js';
import type { invitationSchema, memberSchema } from './members.schemas.js';

export function presentMember(row: MemberRow): z.infer<typeof memberSchema> {
  return {
    userId: row.id,
    email: row.email,
    name: row.name,
    role: row.role,
    isPayer: row.id === row.ownerId,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

/** An open invitation as the API shows it, without what its token could be found by. */
export function presentInvitation(row: InvitationRow, now: Date): z.infer<typeof invitationSchema> {
  return {
    id: row.id,
    projectId: row.projectId,
    email: row.email,
    role: row.role,
    status: row.expiresAt > now ? 'pending' : 'expired',
    invitedBy: row.invitedBy,
    expiresAt: row.expiresAt.toISOString(),
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}
