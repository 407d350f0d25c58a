import { and, desc, eq, getTableColumns, gt, inArray, lt, sql } from 'drizzle-orm';
import {
  documentChunks,
  documents,
  embeddings,
  lexicalSegments,
  questionAnswers,
} from '#db/schema/documents.js';
import { type SourceFailure, type SourceProgress, sources } from '#db/schema/sources.js';
import { decodeVector } from '#db/schema/columns.js';
import { projects } from '#db/schema/projects.js';
import type { Database } from '#platform/database.js';
import { parseEmbeddingModel } from '#platform/embedding-model.js';
import type { ProjectScope } from '#platform/scope.js';

export type SourceRow = typeof sources.$inferSelect;
export type DocumentRow = typeof documents.$inferSelect;
export type NewChunk = typeof documentChunks.$inferInsert;
export type NewEmbedding = typeof embeddings.$inferInsert;

export async function findSourceOrNull(
  db: Database,
  scope: ProjectScope,
  sourceId: string,
): Promise<SourceRow | null> {
  const [row] = await db.select().from(sources).where(isSource(scope, sourceId));
  return row ?? null;
}

export async function updateSourceProgress(
  db: Database,
  scope: ProjectScope,
  sourceId: string,
  progress: SourceProgress,
): Promise<void> {
  await db
    .update(sources)
    .set({ status: 'processing', progress, error: null })
    .where(isSource(scope, sourceId));
}

/** What every end of a run writes. */
export type RunEnd = Pick<SourceRow, 'lastSync' | 'nextSyncAt' | 'syncPhase' | 'isSyncWanted' | 'counts'>;

export async function markSourceReady(
  db: Database,
  scope: ProjectScope,
  sourceId: string,
  end: RunEnd & { lastSyncedAt: Date; progress: SourceProgress },
): Promise<void> {
  await db
    .update(sources)
    .set({
      ...end,
      status: 'ready',
      error: null,
      ...countsOf(scope, sourceId),
    })
    .where(isSource(scope, sourceId));
}

export async function markSourceEnded(
  db: Database,
  scope: ProjectScope,
  sourceId: string,
  end: RunEnd & { status: 'failed' | 'cancelled'; error: SourceFailure },
): Promise<void> {
  await db
    .update(sources)
    .set({ ...end, ...countsOf(scope, sourceId) })
    .where(isSource(scope, sourceId));
}

function countsOf(scope: ProjectScope, sourceId: string) {
  const ofSource = sql`${documents.projectId} = ${scope.projectId} and ${documents.sourceId} = ${sourceId}`;
  return {
    documentCount: sql`(select count(*)::int from ${documents} where ${ofSource} and ${documents.liveVersion} > 0)`,
    chunkCount: sql`(select coalesce(sum(${documents.chunkCount}), 0)::int from ${documents} where ${ofSource})`,
  };
}

/** Finds the document of a source by its key, or makes it, unseen. */
export async function upsertDocument(
  db: Database,
  document: Pick<typeof documents.$inferInsert, 'id' | 'projectId' | 'sourceId' | 'key' | 'title' | 'url'>,
): Promise<Omit<DocumentRow, 'content'> & { isNew: boolean }> {
  const { content: _content, ...columns } = getTableColumns(documents);
  const [row] = await db
    .insert(documents)
    .values(document)
    .onConflictDoUpdate({
      target: [documents.projectId, documents.sourceId, documents.key],
      set: { updatedAt: sql`now()` },
    })
    // A row that this statement has made has no older version.
    .returning({ ...columns, isNew: sql<boolean>`xmax = 0` });
  if (row === undefined) throw new Error('upsert returned no row');
  return row;
}

/** The highest version that any chunk of the document carries, seen or not. */
export async function findHighestVersion(
  db: Database,
  scope: ProjectScope,
  documentId: string,
): Promise<number> {
  const [row] = await db
    .select({ version: documentChunks.version })
    .from(documentChunks)
    .where(isChunkOf(scope, documentId))
    .orderBy(desc(documentChunks.version))
    .limit(1);
  return row?.version ?? 0;
}

/**
 * Vectors that the account of the project already has, by the hash of the text that was embedded. Looked up by hash
 * first, and then one vector for each: a planner that knows nothing of the tables yet would go through all vectors of
 * the project.
 */
export async function listKnownEmbeddings(
  db: Database,
  scope: ProjectScope,
  wanted: { model: string; dimensions: number; contentHashes: string[] },
): Promise<{ contentHash: string; embedding: Float32Array }[]> {
  const { model, dimensions, contentHashes } = wanted;
  const result = await db.execute<{ content_hash: string; embedding: Buffer | string }>(sql`
    with account as materialized (
      select id from projects where owner_id = (select owner_id from projects where id = ${scope.projectId})
    ), same as materialized (
      select content_hash, project_id, id from document_chunks
      where content_hash = any(${sql.param(contentHashes)}::text[])
    )
    select distinct on (same.content_hash) same.content_hash, vector.embedding
    from same
    join account on account.id = same.project_id
    cross join lateral (
      select embedding from embeddings
      where project_id = same.project_id and chunk_id = same.id and model = ${model} and dimensions = ${dimensions}
      limit 1
    ) vector`);
  return result.rows.map((row) => ({
    contentHash: row.content_hash,
    embedding: decodeVector(row.embedding),
  }));
}

/** The model that searches of the project compare with; null: the configured one. */
export async function findEmbeddingModel(
  db: Database,
  scope: ProjectScope,
): Promise<{ model: string; dimensions: number } | null> {
  const [row] = await db
    .select({ embeddingModel: projects.embeddingModel })
    .from(projects)
    .where(eq(projects.id, scope.projectId));
  return parseEmbeddingModel(row?.embeddingModel ?? null);
}

export async function insertChunks(db: Database, chunks: NewChunk[]): Promise<void> {
  await db.insert(documentChunks).values(chunks);
}

export async function insertEmbeddings(db: Database, rows: NewEmbedding[]): Promise<void> {
  if (rows.length > 0) await db.insert(embeddings).values(rows);
}

export async function insertQuestionAnswers(
  db: Database,
  rows: (typeof questionAnswers.$inferInsert)[],
): Promise<void> {
  if (rows.length > 0) await db.insert(questionAnswers).values(rows);
}

/** The flip: one row decides which version of content, chunks, embeddings and postings is seen; searches know. */
export async function publishVersion(
  db: Database,
  scope: ProjectScope,
  documentId: string,
  version: Pick<
    DocumentRow,
    | 'title'
    | 'url'
    | 'content'
    | 'contentHash'
    | 'format'
    | 'language'
    | 'liveVersion'
    | 'indexKey'
    | 'chunkCount'
  >,
): Promise<void> {
  await db
    .update(documents)
    .set({ ...version, status: 'ready', error: null })
    .where(isDocument(scope, documentId));
  await db.execute(sql`update projects set index_version = index_version + 1 where id = ${scope.projectId}`);
}

export async function markDocumentFailed(
  db: Database,
  scope: ProjectScope,
  sourceId: string,
  error: SourceFailure,
): Promise<void> {
  await db
    .update(documents)
    .set({ status: 'failed', error })
    .where(
      and(
        eq(documents.projectId, scope.projectId),
        eq(documents.sourceId, sourceId),
        eq(documents.status, 'processing'),
      ),
    );
}

/** Deletes what attempts have written of versions that never went live. */
export async function deleteUnseenVersions(
  db: Database,
  scope: ProjectScope,
  sourceId: string,
): Promise<void> {
  const isDocumentOfSource = (table: typeof documentChunks | typeof lexicalSegments) =>
    and(
      eq(table.projectId, scope.projectId),
      eq(documents.projectId, table.projectId),
      eq(documents.id, table.documentId),
      eq(documents.sourceId, sourceId),
      gt(table.version, documents.liveVersion),
    );
  for (const table of [lexicalSegments, documentChunks]) {
    const unseen = db.select({ id: table.id }).from(table).innerJoin(documents, isDocumentOfSource(table));
    await db.delete(table).where(and(eq(table.projectId, scope.projectId), inArray(table.id, unseen)));
  }
}

/** Deletes chunks and segments of versions before the live one; embeddings and postings go with them. */
export async function deleteVersionsBefore(
  db: Database,
  scope: ProjectScope,
  document: { documentId: string; liveVersion: number },
): Promise<void> {
  await db
    .delete(lexicalSegments)
    .where(
      and(
        eq(lexicalSegments.projectId, scope.projectId),
        eq(lexicalSegments.documentId, document.documentId),
        lt(lexicalSegments.version, document.liveVersion),
      ),
    );
  await db
    .delete(documentChunks)
    .where(and(isChunkOf(scope, document.documentId), lt(documentChunks.version, document.liveVersion)));
}

function isSource(scope: ProjectScope, sourceId: string) {
  return and(eq(sources.projectId, scope.projectId), eq(sources.id, sourceId));
}

function isDocument(scope: ProjectScope, documentId: string) {
  return and(eq(documents.projectId, scope.projectId), eq(documents.id, documentId));
}

function isChunkOf(scope: ProjectScope, documentId: string) {
  return and(eq(documentChunks.projectId, scope.projectId), eq(documentChunks.documentId, documentId));
}
