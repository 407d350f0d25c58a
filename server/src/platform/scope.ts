export type MemberRole = 'owner' | 'editor' | 'viewer';

export type Actor =
  | { type: 'user'; userId: string; sessionId: string; role: 'user' | 'admin' }
  | { type: 'visitor' }
  | { type: 'system' };

/** Who asks, and from where: what the audit log says of an act. */
export interface Caller {
  actor: Actor;
  ip: string | null;
  userAgent: string | null;
  requestId: string | null;
}

export interface UserCaller extends Caller {
  actor: Extract<Actor, { type: 'user' }>;
}

declare const projectScopeBrand: unique symbol;

/** The right to act on one project, minted by `authorizeProject` and by jobs for their own project alone. */
export interface ProjectScope extends Caller {
  readonly projectId: string;
  /** Null: a visitor, or the system. */
  readonly memberRole: MemberRole | null;
  readonly [projectScopeBrand]: true;
}

export const systemCaller: Caller = { actor: { type: 'system' }, ip: null, userAgent: null, requestId: null };

/** Only for those who have checked that `caller` may act on the project. */
export function mintProjectScope(
  caller: Caller,
  projectId: string,
  memberRole: MemberRole | null,
): ProjectScope {
  return { ...caller, projectId, memberRole } as ProjectScope;
}
