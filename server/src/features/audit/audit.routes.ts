import { Readable } from 'node:stream';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { AppError } from '#kernel/app-error.js';
import { isId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import { userOf } from '#platform/http/caller.js';
import { listOf, problems } from '#platform/http/schemas.js';
import { cursorId, pageOf } from '#platform/pagination.js';
import type { UserCaller } from '#platform/scope.js';
import { readInProject } from '#platform/transaction.js';
import { requireSession } from '#features/auth/auth.hooks.js';
import { authorizeProject } from '#features/projects/authorize-project.js';
import { type AuditFilter, type AuditLogRow, listAuditLogs } from './audit.queries.js';
import {
  type AuditLogsQuery,
  auditLogSchema,
  exportAuditLogsQuery,
  listAuditLogsQuery,
} from './audit.schemas.js';
import { filterOf, presentAuditLog } from './present-audit-log.js';

const docs = { tags: ['Audit log'], security: [{ session: [] }] };
const EXPORT_PAGE = 500;
const JSON_LINES = 'application/x-ndjson';

export const auditRoutes =
  (ctx: Context): FastifyPluginAsyncZod =>
  async (server) => {
    server.get(
      '/v1/audit-logs',
      {
        schema: {
          ...docs,
          summary: 'List what was done and what was refused, newest first',
          querystring: listAuditLogsQuery,
          response: { 200: listOf(auditLogSchema), ...problems },
        },
        onRequest: requireSession(ctx),
      },
      async (request) => {
        const { limit, cursor, ...query } = request.query;
        const filters = await authorizedFilters(ctx, userOf(request), query);
        const rows = await readLogs(ctx, filters, { beforeId: cursorId(cursor), limit });
        const page = pageOf(rows, limit);
        return { ...page, data: page.data.map(presentAuditLog) };
      },
    );

    server.get(
      '/v1/audit-logs/export',
      {
        schema: {
          ...docs,
          summary: 'The same list whole, as a stream of JSON lines',
          querystring: exportAuditLogsQuery,
          response: {
            200: {
              description: 'One entry on each line.',
              content: { [JSON_LINES]: { schema: z.string() } },
            },
            ...problems,
          },
        },
        onRequest: requireSession(ctx),
      },
      async (request, reply) => {
        const filters = await authorizedFilters(ctx, userOf(request), request.query);
        return reply
          .type(`${JSON_LINES}; charset=utf-8`)
          .header('content-disposition', 'attachment; filename="audit-log.jsonl"')
          .send(Readable.from(jsonLines(ctx, filters)) as unknown as string);
      },
    );
  };

/**
 * What was asked for, and what the caller may see of it: a project's entries as its owner, else the own ones; an admin
 * sees all.
 * @throws AppError `not_found`, `forbidden`
 */
async function authorizedFilters(
  ctx: Pick<Context, 'db'>,
  caller: UserCaller,
  query: AuditLogsQuery,
): Promise<AuditFilter[]> {
  const { userId, role } = caller.actor;
  const filter = filterOf(query);
  if (query.projectId !== undefined && !isId(query.projectId)) {
    throw new AppError('not_found', 'There is no such project.');
  }
  if (role === 'admin') return [filter];
  if (query.projectId === undefined) return [filter, { actorId: userId }];
  const { projectId } = await authorizeProject(ctx, caller, query.projectId, 'audit:read');
  return [filter, { projectId }];
}

/** Entries of one project as its own reads, those of an account or of all as they are. */
function readLogs(
  ctx: Pick<Context, 'db'>,
  filters: AuditFilter[],
  page: { beforeId: string | null; limit: number },
): Promise<AuditLogRow[]> {
  const projectId = filters.find((filter) => filter.projectId !== undefined)?.projectId;
  if (projectId === undefined) return listAuditLogs(ctx.db, filters, page);
  return readInProject(ctx, { projectId }, (tx) => listAuditLogs(tx.db, filters, page));
}

/** A page at a time, as the reader takes them. */
async function* jsonLines(ctx: Pick<Context, 'db'>, filters: AuditFilter[]): AsyncGenerator<string> {
  let beforeId: string | null = null;
  do {
    const rows: AuditLogRow[] = await readLogs(ctx, filters, { beforeId, limit: EXPORT_PAGE });
    const page = rows.slice(0, EXPORT_PAGE);
    if (page.length > 0) yield page.map((row) => `${JSON.stringify(presentAuditLog(row))}\n`).join('');
    beforeId = rows.length > EXPORT_PAGE ? (page.at(-1)?.id ?? null) : null;
  } while (beforeId !== null);
}
