import type { z } from 'zod';
import type { AuditFilter, AuditLogRow } from './audit.queries.js';
import type { AuditLogsQuery, auditLogSchema } from './audit.schemas.js';

export function presentAuditLog(row: AuditLogRow): z.infer<typeof auditLogSchema> {
  const { updatedAt: _updatedAt, createdAt, ...shown } = row;
  return { ...shown, createdAt: createdAt.toISOString() };
}

export function filterOf({ from, to, ...plain }: AuditLogsQuery): AuditFilter {
  return {
    ...plain,
    ...(from === undefined ? {} : { from: new Date(from) }),
    ...(to === undefined ? {} : { to: new Date(to) }),
  };
}
