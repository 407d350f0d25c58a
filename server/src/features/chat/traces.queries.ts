import { and, eq, sql } from 'drizzle-orm';
import { messageTraces } from '#db/schema/conversations.js';
import { documentChunks, documents } from '#db/schema/documents.js';
import { AppError } from '#kernel/app-error.js';
import { isId } from '#kernel/ids.js';
import type { Database } from '#platform/database.js';
import type { ProjectScope } from '#platform/scope.js';

type TraceRow = typeof messageTraces.$inferSelect;

export async function insertTrace(
  db: Database,
  scope: ProjectScope,
  messageId: string,
  trace: TraceRow['trace'],
): Promise<void> {
  await db.insert(messageTraces).values({ projectId: scope.projectId, messageId, trace });
}

/** @throws AppError `not_found` */
export async function findTrace(db: Database, scope: ProjectScope, messageId: string): Promise<TraceRow> {
  const [row] = isId(messageId)
    ? await db
        .select()
        .from(messageTraces)
        .where(and(eq(messageTraces.projectId, scope.projectId), eq(messageTraces.messageId, messageId)))
    : [];
  if (row === undefined) throw new AppError('not_found', 'There is no trace of such a message.');
  return row;
}

/** Which documents these chunks are of. */
export function listChunkTitles(
  db: Database,
  scope: ProjectScope,
  chunkIds: string[],
): Promise<{ chunkId: string; documentId: string; title: string }[]> {
  return db
    .select({ chunkId: documentChunks.id, documentId: documents.id, title: documents.title })
    .from(documentChunks)
    .innerJoin(
      documents,
      and(eq(documents.projectId, documentChunks.projectId), eq(documents.id, documentChunks.documentId)),
    )
    .where(
      and(
        eq(documentChunks.projectId, scope.projectId),
        sql`${documentChunks.id} = any(${sql.param(chunkIds)}::uuid[])`,
      ),
    );
}
