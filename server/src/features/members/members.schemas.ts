import { z } from 'zod';
import { emailSchema, idSchema, instantSchema, listQuery, text } from '#platform/http/schemas.js';

const MAX_TOKEN_LENGTH = 500;

const roleSchema = z.enum(['owner', 'editor', 'viewer']);

export const inviteMemberBody = z
  .strictObject({ email: emailSchema, role: roleSchema })
  .meta({ id: 'InviteMember' });

export const updateMemberBody = z.strictObject({ role: roleSchema }).meta({ id: 'UpdateMember' });

/** An empty token is one that nobody has, as any other that is unknown. */
export const acceptInvitationBody = z
  .strictObject({ token: text({ max: MAX_TOKEN_LENGTH }) })
  .meta({ id: 'AcceptInvitation' });

export const transferProjectBody = z.strictObject({ userId: idSchema }).meta({ id: 'TransferProject' });

export const memberSchema = z
  .object({
    userId: idSchema,
    email: z.string(),
    name: z.string(),
    role: roleSchema,
    isPayer: z.boolean().meta({ description: 'Pays for the project, and so stays its owner.' }),
    createdAt: instantSchema.meta({ description: 'Since when it is a member.' }),
    updatedAt: instantSchema,
  })
  .meta({ id: 'Member' });

export const invitationSchema = z
  .object({
    id: idSchema,
    projectId: idSchema,
    email: z.string(),
    role: roleSchema,
    status: z.enum(['pending', 'expired']),
    invitedBy: idSchema.nullable(),
    expiresAt: instantSchema,
    createdAt: instantSchema,
    updatedAt: instantSchema,
  })
  .meta({ id: 'Invitation' });

export const listMembersQuery = z.object(listQuery);
export const listInvitationsQuery = z.object(listQuery);

export type InviteMemberInput = z.infer<typeof inviteMemberBody>;
export type UpdateMemberInput = z.infer<typeof updateMemberBody>;
