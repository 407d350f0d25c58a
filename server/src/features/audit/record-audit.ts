import { auditLogs } from '#db/schema/audit-logs.js';
import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { Actor, Caller } from '#platform/scope.js';

export interface AuditEntry {
  projectId: string | null;
  /** `noun.verb`: `source.create`. */
  action: string;
  resourceType: string;
  resourceId: string | null;
  /** What changed, without secrets and without what visitors wrote. */
  changes?: Record<string, unknown>;
}

/** Notes an act in the transaction that does it: both happen, or neither. */
export async function recordAudit(tx: Pick<Context, 'db'>, caller: Caller, entry: AuditEntry): Promise<void> {
  await tx.db.insert(auditLogs).values({
    id: newId(),
    projectId: entry.projectId,
    actorId: actorIdOf(caller.actor),
    actorType: caller.actor.type,
    apiKeyId: caller.actor.type === 'user' ? (caller.actor.apiKey?.id ?? null) : null,
    action: entry.action,
    resourceType: entry.resourceType,
    resourceId: entry.resourceId,
    changes: entry.changes ?? {},
    ip: caller.ip,
    userAgent: caller.userAgent,
    requestId: caller.requestId,
  });
}

function actorIdOf(actor: Actor): string | null {
  return actor.type === 'user' ? actor.userId : null;
}
