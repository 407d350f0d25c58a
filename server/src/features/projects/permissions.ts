import type { MemberRole } from '#platform/scope.js';

interface PermissionRule {
  /** The lowest role that has it; every higher one has it too. */
  leastRole: MemberRole;
  /** Completes "Members with this permission may …" in `docs/permissions.md`. */
  allows: string;
}

/** What members may do in a project. Routes ask for one of these, and nothing else decides. */
export const PERMISSIONS = {
  'project:read': { leastRole: 'viewer', allows: 'read the settings of the project' },
  'project:update': { leastRole: 'editor', allows: 'change the settings of the project' },
  'project:transfer': {
    leastRole: 'owner',
    allows: 'make another member the one who pays; only the one who pays now has this right',
  },
  'project:delete': { leastRole: 'owner', allows: 'delete the project with all it holds' },
  'sources:read': { leastRole: 'viewer', allows: 'read sources, pages and documents, and search them' },
  'sources:write': { leastRole: 'editor', allows: 'add, change, sync and delete sources and documents' },
  chat: { leastRole: 'viewer', allows: 'ask questions' },
  'conversations:read': { leastRole: 'viewer', allows: 'read conversations and how answers came about' },
  'conversations:write': { leastRole: 'editor', allows: 'close, change and delete conversations' },
  'evaluation:read': { leastRole: 'viewer', allows: 'read test sets and the results of their runs' },
  'evaluation:write': { leastRole: 'editor', allows: 'change and run test sets' },
  'leads:read': { leastRole: 'viewer', allows: 'read and download leads' },
  'leads:write': { leastRole: 'editor', allows: 'delete leads' },
  'members:read': { leastRole: 'viewer', allows: 'see who is a member and who is invited' },
  'members:leave': { leastRole: 'viewer', allows: 'leave the project' },
  'members:write': { leastRole: 'owner', allows: 'invite and remove members, and change their roles' },
  'project:export': { leastRole: 'owner', allows: 'download all that the project holds' },
  'visitors:erase': { leastRole: 'owner', allows: 'erase all that a visitor has left' },
  'billing:read': { leastRole: 'owner', allows: 'see what the project uses and costs' },
  'audit:read': { leastRole: 'owner', allows: 'read the audit log of the project' },
} as const satisfies Record<string, PermissionRule>;

export type Permission = keyof typeof PERMISSIONS;

/** From the lowest to the highest. */
export const MEMBER_ROLES = ['viewer', 'editor', 'owner'] as const satisfies readonly MemberRole[];

export function roleMay(role: MemberRole, permission: Permission): boolean {
  return MEMBER_ROLES.indexOf(role) >= MEMBER_ROLES.indexOf(PERMISSIONS[permission].leastRole);
}
