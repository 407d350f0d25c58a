import { auditLogs } from '#db/schema/audit-logs.js';
import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { Actor, Caller } from '#platform/scope.js';
import { maskSecrets, networkOf } from './mask-changes.js';

export interface AuditEntry {
  projectId: string | null;
  /** `noun.verb`: `source.create`. */
  action: string;
  resourceType: string;
  resourceId: string | null;
  /** What changed, without secrets and without what visitors wrote. */
  changes?: Record<string, unknown>;
  /** Unset: done. */
  outcome?: 'done' | 'refused';
  /** Whom the act itself has shown the caller to be, where no access token came with it: sign-in and refresh. */
  userId?: string;
}

/**
 * Notes an act in the transaction that does it: both happen, or neither. Secrets are masked, and of a visitor of a
 * project the network is kept instead of the address, so that the log holds nothing that must be erased.
 */
export async function recordAudit(tx: Pick<Context, 'db'>, caller: Caller, entry: AuditEntry): Promise<void> {
  const { userId = actorIdOf(caller.actor) } = entry;
  const actorType = entry.userId === undefined ? caller.actor.type : 'user';
  const isProjectVisitor = actorType === 'visitor' && entry.projectId !== null;
  await tx.db.insert(auditLogs).values({
    id: newId(),
    projectId: entry.projectId,
    actorId: userId,
    actorType,
    apiKeyId: caller.actor.type === 'user' ? (caller.actor.apiKey?.id ?? null) : null,
    action: entry.action,
    outcome: entry.outcome ?? 'done',
    resourceType: entry.resourceType,
    resourceId: entry.resourceId,
    changes: maskSecrets(entry.changes ?? {}) as Record<string, unknown>,
    ip: isProjectVisitor && caller.ip !== null ? networkOf(caller.ip) : caller.ip,
    userAgent: caller.userAgent,
    requestId: caller.requestId,
  });
}

function actorIdOf(actor: Actor): string | null {
  return actor.type === 'user' ? actor.userId : null;
}
