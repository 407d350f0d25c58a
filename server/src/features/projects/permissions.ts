import type { MemberRole } from '#platform/scope.js';

export type Permission =
  | 'project:read'
  | 'project:update'
  | 'project:delete'
  | 'sources:read'
  | 'sources:write'
  | 'conversations:read'
  | 'conversations:write'
  | 'evaluation:read'
  | 'evaluation:write'
  | 'leads:read'
  | 'leads:write'
  | 'members:read'
  | 'members:write'
  | 'audit:read'
  | 'project:export'
  | 'visitors:erase'
  | 'chat';

const VIEWER: Permission[] = [
  'project:read',
  'sources:read',
  'conversations:read',
  'evaluation:read',
  'leads:read',
  'members:read',
  'chat',
];
const EDITOR: Permission[] = [
  ...VIEWER,
  'project:update',
  'sources:write',
  'conversations:write',
  'evaluation:write',
  'leads:write',
];
const OWNER: Permission[] = [
  ...EDITOR,
  'project:delete',
  'members:write',
  'audit:read',
  'project:export',
  'visitors:erase',
];

const PERMISSIONS: Record<MemberRole, ReadonlySet<Permission>> = {
  viewer: new Set(VIEWER),
  editor: new Set(EDITOR),
  owner: new Set(OWNER),
};

export function roleMay(role: MemberRole, permission: Permission): boolean {
  return PERMISSIONS[role].has(permission);
}
