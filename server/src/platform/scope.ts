export type MemberRole = 'owner' | 'editor' | 'viewer';

export type ApiKeyScope = 'chat' | 'read' | 'write' | 'admin';

/** The key that a user's program came with: it takes away from what the user may, and adds nothing. */
export interface ApiKeyGrant {
  id: string;
  scopes: readonly ApiKeyScope[];
  /** Null: every project of the user. */
  projectId: string | null;
}

interface UserIdentity {
  type: 'user';
  userId: string;
  role: 'user' | 'admin';
}

/** A user who has signed in: a person, who may see to the account itself. */
type SessionActor = UserIdentity & { sessionId: string; apiKey: null };

type UserActor = SessionActor | (UserIdentity & { sessionId: null; apiKey: ApiKeyGrant });

export type Actor = UserActor | { type: 'visitor' } | { type: 'system' };

/** Who asks, and from where: what the audit log says of an act. */
export interface Caller {
  actor: Actor;
  ip: string | null;
  userAgent: string | null;
  requestId: string | null;
}

/** A user, in person or by an API key. */
export interface UserCaller extends Caller {
  actor: UserActor;
}

export interface SessionCaller extends Caller {
  actor: SessionActor;
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
