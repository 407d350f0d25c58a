import { AppError } from '#kernel/app-error.js';
import type { ApiKeyGrant, ApiKeyScope } from '#platform/scope.js';
import { PERMISSIONS, type Permission } from './permissions.js';

/** What a key can be asked for: permissions in a project, and to make one. */
export type KeyPermission = Permission | 'project:create';

/** Reading the audit log is not among it: the log tells of people, and is for those who run the project. */
const READ: KeyPermission[] = [
  'project:read',
  'sources:read',
  'conversations:read',
  'evaluation:read',
  'leads:read',
  'members:read',
];
const WRITE: KeyPermission[] = [
  ...READ,
  'project:create',
  'sources:write',
  'conversations:write',
  'evaluation:write',
  'leads:write',
  'chat',
];

/** `sources:read` is also what a search asks for. A permission that stands nowhere else needs `admin`. */
const SCOPES: Record<ApiKeyScope, ReadonlySet<KeyPermission>> = {
  chat: new Set<KeyPermission>(['chat']),
  read: new Set(READ),
  write: new Set(WRITE),
  admin: new Set<KeyPermission>([...WRITE, ...(Object.keys(PERMISSIONS) as Permission[])]),
};

/** Whether a key's own scopes carry a permission; what its user may do comes on top. */
export function keyMay(apiKey: ApiKeyGrant, permission: KeyPermission): boolean {
  // A project that a key makes would lie out of its own reach.
  if (permission === 'project:create' && apiKey.projectId !== null) return false;
  return apiKey.scopes.some((scope) => SCOPES[scope].has(permission));
}

export function outOfScope(apiKey: ApiKeyGrant): AppError {
  const reach = apiKey.projectId === null ? '' : ' and is bound to one project';
  return new AppError(
    'forbidden',
    `This API key has the scopes ${apiKey.scopes.join(', ')}${reach}, which does not allow this.`,
  );
}
