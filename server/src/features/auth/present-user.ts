import type { z } from 'zod';
import type { UserRow } from './auth.queries.js';
import type { SessionRow } from './sessions.queries.js';
import type { sessionSchema, userSchema } from './auth.schemas.js';

export function presentUser(user: UserRow): z.infer<typeof userSchema> {
  return {
    id: user.id,
    email: user.email,
    name: user.name,
    role: user.role,
    emailVerifiedAt: user.emailVerifiedAt?.toISOString() ?? null,
    createdAt: user.createdAt.toISOString(),
  };
}

export function presentSession(session: SessionRow, currentId: string): z.infer<typeof sessionSchema> {
  return {
    id: session.id,
    userAgent: session.userAgent,
    ip: session.ip,
    isCurrent: session.id === currentId,
    createdAt: session.createdAt.toISOString(),
    lastUsedAt: session.updatedAt.toISOString(),
    expiresAt: session.expiresAt.toISOString(),
  };
}
