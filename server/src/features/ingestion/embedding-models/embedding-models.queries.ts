import { and, asc, eq, gt, inArray, sql } from 'drizzle-orm';
import { documentChunks, documents, embeddings } from '#db/schema/documents.js';
import { projects } from '#db/schema/projects.js';
import type { Database } from '#platform/database.js';
import type { ProjectScope } from '#platform/scope.js';
import type { NewEmbedding } from '../ingestion.queries.js';

interface Model {
  model: string;
  dimensions: number;
}

/** Projects whose searches compare with vectors of another model than this, across accounts: for upkeep alone. */
export async function listProjectsOfOtherModels(
  db: Database,
  other: { embeddingModel: string; limit: number },
): Promise<string[]> {
  const rows = await db
    .select({ id: projects.id })
    .from(projects)
    .where(sql`${projects.embeddingModel} is distinct from ${other.embeddingModel}`)
    // Some may fail for ever: they must not stand before the others each time.
    .orderBy(sql`random()`)
    .limit(other.limit);
  return rows.map(({ id }) => id);
}

export interface BareChunk {
  id: string;
  title: string;
  heading: string | null;
  content: string;
  contentHash: string;
}

/** Visible chunks without a vector of a model, in the order of their ids. */
export function listChunksWithoutVector(
  db: Database,
  scope: ProjectScope,
  wanted: Model & { afterId: string | null; limit: number },
): Promise<BareChunk[]> {
  return db
    .select({
      id: documentChunks.id,
      title: documents.title,
      heading: documentChunks.heading,
      content: documentChunks.content,
      contentHash: documentChunks.contentHash,
    })
    .from(documentChunks)
    .innerJoin(documents, isVisible())
    .where(
      and(
        eq(documentChunks.projectId, scope.projectId),
        wanted.afterId === null ? undefined : gt(documentChunks.id, wanted.afterId),
        hasNoVector(wanted),
      ),
    )
    .orderBy(asc(documentChunks.id))
    .limit(wanted.limit);
}

/** Adds vectors to chunks that are still there; who was quicker with one was right too. */
export async function insertMissingEmbeddings(
  db: Database,
  scope: ProjectScope,
  rows: NewEmbedding[],
): Promise<void> {
  const chunks = await db
    .select({ id: documentChunks.id })
    .from(documentChunks)
    .where(
      and(
        eq(documentChunks.projectId, scope.projectId),
        inArray(
          documentChunks.id,
          rows.map(({ chunkId }) => chunkId),
        ),
      ),
    )
    .for('key share');
  const living = new Set(chunks.map(({ id }) => id));
  const kept = rows.filter(({ chunkId }) => living.has(chunkId));
  if (kept.length > 0) await db.insert(embeddings).values(kept).onConflictDoNothing();
}

/** Locks the project's row, so that no other switch happens at the same time. */
export async function lockProject(
  db: Database,
  scope: ProjectScope,
): Promise<{ embeddingModel: string | null } | null> {
  const [row] = await db
    .select({ embeddingModel: projects.embeddingModel })
    .from(projects)
    .where(eq(projects.id, scope.projectId))
    .for('update');
  return row ?? null;
}

/** From here on searches of the project compare with vectors of this model; results that were kept are void. */
export async function switchEmbeddingModel(
  db: Database,
  scope: ProjectScope,
  embeddingModel: string,
): Promise<void> {
  await db
    .update(projects)
    .set({ embeddingModel, indexVersion: sql`${projects.indexVersion} + 1` })
    .where(eq(projects.id, scope.projectId));
}

/** The project has chunks without vectors: whoever looks for projects of other models finds it again. */
export async function forgetEmbeddingModel(db: Database, scope: ProjectScope): Promise<void> {
  await db.update(projects).set({ embeddingModel: null }).where(eq(projects.id, scope.projectId));
}

/** Of every project: how many of its visible chunks have no vector of a model yet, and how many have another's. */
export async function countVectors(
  db: Database,
  { model, dimensions }: Model,
): Promise<{ projectId: string; live: string | null; missing: number; old: number }[]> {
  // In words: of the columns of a subquery in a selection drizzle leaves the table's name out.
  const { rows } = await db.execute<{
    projectId: string;
    live: string | null;
    missing: number;
    old: number;
  }>(sql`
    select p.id as "projectId", p.embedding_model as live,
      (
        select count(*)::int from document_chunks c
        join documents d on d.project_id = c.project_id and d.id = c.document_id and d.live_version = c.version
        where c.project_id = p.id and not exists (
          select from embeddings e
          where e.project_id = c.project_id and e.chunk_id = c.id
            and e.model = ${model} and e.dimensions = ${dimensions}
        )
      ) as missing,
      (
        select count(*)::int from embeddings e
        where e.project_id = p.id and (e.model <> ${model} or e.dimensions <> ${dimensions})
      ) as old
    from projects p
    order by p.id`);
  return rows;
}

/**
 * Deletes vectors of other models of projects that have made the switch to this one.
 * @returns how many, at most `limit`
 */
export async function deleteOldVectors(
  db: Database,
  old: Model & { embeddingModel: string; limit: number },
): Promise<number> {
  const result = await db.execute(sql`
    delete from embeddings where id in (
      select e.id from embeddings e
      join projects p on p.id = e.project_id
      where p.embedding_model = ${old.embeddingModel}
        and (e.model <> ${old.model} or e.dimensions <> ${old.dimensions})
      limit ${old.limit}
    )`);
  return result.rowCount ?? 0;
}

function isVisible() {
  return and(
    eq(documents.projectId, documentChunks.projectId),
    eq(documents.id, documentChunks.documentId),
    eq(documents.liveVersion, documentChunks.version),
  );
}

function hasNoVector({ model, dimensions }: Model) {
  return sql`not exists (
    select from ${embeddings}
    where ${embeddings.projectId} = ${documentChunks.projectId} and ${embeddings.chunkId} = ${documentChunks.id}
      and ${embeddings.model} = ${model} and ${embeddings.dimensions} = ${dimensions})`;
}
