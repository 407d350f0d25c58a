import { and, asc, desc, eq, getTableColumns, gt, lt, sql } from 'drizzle-orm';
import { documentChunks, documents } from '#db/schema/documents.js';
import { AppError } from '#kernel/app-error.js';
import { isId } from '#kernel/ids.js';
import type { Database } from '#platform/database.js';
import type { ProjectScope } from '#platform/scope.js';
import { INSTRUCTION_LIMIT } from '#rag/instruction-score.js';

export type DocumentRow = typeof documents.$inferSelect & { instructionChunks: number };
export type DocumentSummary = Omit<DocumentRow, 'content'>;
export type ChunkRow = typeof documentChunks.$inferSelect;

/** Every column but the text, which can be megabytes. */
const { content: _text, ...columns } = getTableColumns(documents);
const summary = {
  ...columns,
  instructionChunks: sql<number>`(
    select count(*)::int from document_chunks chunk
    where chunk.project_id = documents.project_id and chunk.document_id = documents.id
      and chunk.version = documents.live_version and chunk.instruction_score >= ${INSTRUCTION_LIMIT}
  )`,
};

export function listDocuments(
  db: Database,
  scope: ProjectScope,
  filter: {
    sourceId: string | null;
    status: DocumentRow['status'] | null;
    beforeId: string | null;
    limit: number;
  },
): Promise<DocumentSummary[]> {
  return db
    .select(summary)
    .from(documents)
    .where(
      and(
        eq(documents.projectId, scope.projectId),
        filter.sourceId === null ? undefined : eq(documents.sourceId, filter.sourceId),
        filter.status === null ? undefined : eq(documents.status, filter.status),
        filter.beforeId === null ? undefined : lt(documents.id, filter.beforeId),
      ),
    )
    .orderBy(desc(documents.id))
    .limit(filter.limit + 1);
}

/** @throws AppError `not_found` */
export async function findDocument(
  db: Database,
  scope: ProjectScope,
  documentId: string,
): Promise<DocumentRow> {
  const [row] = isId(documentId)
    ? await db
        .select({ ...summary, content: documents.content })
        .from(documents)
        .where(and(eq(documents.projectId, scope.projectId), eq(documents.id, documentId)))
    : [];
  if (row === undefined) throw new AppError('not_found', 'There is no such document.');
  return row;
}

/** Chunks of the visible version, in the document's order. */
export function listChunks(
  db: Database,
  scope: ProjectScope,
  filter: { document: Pick<DocumentRow, 'id' | 'liveVersion'>; afterIndex: number; limit: number },
): Promise<ChunkRow[]> {
  return db
    .select()
    .from(documentChunks)
    .where(
      and(
        eq(documentChunks.projectId, scope.projectId),
        eq(documentChunks.documentId, filter.document.id),
        eq(documentChunks.version, filter.document.liveVersion),
        gt(documentChunks.chunkIndex, filter.afterIndex),
      ),
    )
    .orderBy(asc(documentChunks.chunkIndex))
    .limit(filter.limit + 1);
}

export async function findChunkIndexOrNull(
  db: Database,
  scope: ProjectScope,
  documentId: string,
  chunkId: string,
): Promise<number | null> {
  const [row] = await db
    .select({ chunkIndex: documentChunks.chunkIndex })
    .from(documentChunks)
    .where(
      and(
        eq(documentChunks.projectId, scope.projectId),
        eq(documentChunks.documentId, documentId),
        eq(documentChunks.id, chunkId),
      ),
    );
  return row?.chunkIndex ?? null;
}

/**
 * Deletes a document, keeps its source's counts true and lets searches know. Its page is not read again, neither by a
 * visit that is under way nor by a later sync.
 * @returns whether there was one
 */
export async function deleteDocumentRow(
  db: Database,
  scope: ProjectScope,
  documentId: string,
): Promise<boolean> {
  // The source's row before the document's, as those who index lock them: else the two wait for each other.
  await db.execute(sql`
    select from sources where project_id = ${scope.projectId} and id = (
      select source_id from documents where project_id = ${scope.projectId} and id = ${documentId}
    ) for no key update`);
  const result = await db.execute(sql`
    with deleted as (
      delete from documents where project_id = ${scope.projectId} and id = ${documentId}
      returning source_id, key, chunk_count, live_version
    ), page as (
      update source_pages set status = 'skipped', reason = 'deleted', detail = null, text_hash = null, chunk_count = 0
      from deleted
      where source_pages.project_id = ${scope.projectId}
        and source_pages.source_id = deleted.source_id and source_pages.key = deleted.key
    )
    update sources set
      document_count = greatest(0, document_count - (deleted.live_version > 0)::int),
      chunk_count = greatest(0, sources.chunk_count - deleted.chunk_count)
    from deleted
    where sources.project_id = ${scope.projectId} and sources.id = deleted.source_id`);
  if ((result.rowCount ?? 0) === 0) return false;
  await db.execute(sql`update projects set index_version = index_version + 1 where id = ${scope.projectId}`);
  return true;
}
