import { type SQL, and, eq, sql } from 'drizzle-orm';
import { encodeVector } from '#db/schema/columns.js';
import { documentChunks, documents, embeddings } from '#db/schema/documents.js';
import type { Database } from '#platform/database.js';
import type { ProjectScope } from '#platform/scope.js';

export interface NearestChunk {
  chunkId: string;
  /** Cosine, -1 to 1. */
  similarity: number;
}

export interface NearestSearch {
  model: string;
  dimensions: number;
  vector: Float32Array;
  limit: number;
  /** Conditions on `documents`; undefined: none. */
  filter: SQL | undefined;
}

/** How many candidates are compared before anybody asks which of them can be seen: nearly all can. */
const SPARE_CANDIDATES = 2;

/** The nearest visible chunks by exact cosine distance: every vector of the project and model is looked at. */
export async function listNearestChunks(
  db: Database,
  scope: ProjectScope,
  search: NearestSearch,
): Promise<NearestChunk[]> {
  if (search.filter !== undefined) return listNearestMatching(db, scope, search);
  const candidates = search.limit * SPARE_CANDIDATES;
  // To join what is near with what can be seen is much cheaper than to do so with all there is.
  const { rows } = await db.execute<{ chunkId: string; similarity: number; candidates: number }>(sql`
    with near as materialized (
      select ${embeddings.chunkId} as chunk_id, ${distanceTo(search)} as distance from ${embeddings}
      where ${hasModel(scope, search)}
      order by distance limit ${candidates}
    )
    select near.chunk_id as "chunkId", 1 - near.distance as similarity,
      (select count(*)::int from near) as candidates
    from near
    join ${documentChunks} on ${documentChunks.id} = near.chunk_id and ${documentChunks.projectId} = ${scope.projectId}
    join ${documents} on ${isVisible()}
    order by near.distance limit ${search.limit}`);
  const isAll = rows.length > 0 && (rows[0]?.candidates ?? 0) < candidates;
  if (rows.length >= search.limit || isAll) {
    return rows.map(({ chunkId, similarity }) => ({ chunkId, similarity }));
  }
  return listNearestMatching(db, scope, search);
}

async function listNearestMatching(
  db: Database,
  scope: ProjectScope,
  search: NearestSearch,
): Promise<NearestChunk[]> {
  const { rows } = await db.execute<{ chunkId: string; similarity: number }>(sql`
    select ${embeddings.chunkId} as "chunkId", 1 - (${distanceTo(search)}) as similarity
    ${fromMatching(scope, search)}
    order by ${distanceTo(search)} limit ${search.limit}`);
  return rows;
}

/**
 * The nearest visible chunks that the model's index finds, put into their order by the full vectors: nearly all of the
 * exact ones, and fewer than asked for where few of those in the index match. It changes settings until the end of the
 * transaction that `db` must be.
 * @param how.candidates of the index, which are compared once more
 * @param how.effort how many the index keeps in view while it searches, 1 to 1,000
 */
export async function listNearestByIndex(
  db: Database,
  scope: ProjectScope,
  search: NearestSearch,
  how: { kind: 'halfvec' | 'bit'; candidates: number; effort: number; mostPassed: number },
): Promise<NearestChunk[]> {
  // Without a price on sorting the planner, who thinks that a distance costs nothing, would look at every vector;
  // and compiling a statement that looks so dear takes longer than to run it.
  await db.execute(sql`
    select set_config('hnsw.iterative_scan', 'relaxed_order', true),
      set_config('hnsw.ef_search', ${String(how.effort)}, true),
      set_config('hnsw.max_scan_tuples', ${String(how.mostPassed)}, true),
      set_config('enable_sort', 'off', true), set_config('jit', 'off', true)`);
  const { rows } = await db.execute<{ chunkId: string; similarity: number }>(sql`
    with near as materialized (
      select ${embeddings.chunkId} as chunk_id, ${distanceTo(search)} as distance
      ${fromMatching(scope, search)}
      order by ${indexedDistanceTo(search, how.kind)} limit ${how.candidates}
    )
    select chunk_id as "chunkId", 1 - distance as similarity from near
    order by distance limit ${search.limit}`);
  return rows;
}

export interface SearchSize {
  /** Chunks of the project, about. */
  chunks: number;
  /** The index of the model that can be used, and how many vectors it holds, about; null: none. */
  index: { name: string; vectors: number } | null;
}

/** What there is to search: an index that is being built, or was left half-built, is none. */
export async function findSearchSize(
  db: Database,
  scope: ProjectScope,
  indexNames: string[],
): Promise<SearchSize> {
  const { rows } = await db.execute<{ chunks: number; name: string | null; vectors: number | null }>(sql`
    select size.chunks, usable.name, usable.vectors
    from (
      select coalesce(sum(chunk_count), 0)::int as chunks from lexical_segments
      where project_id = ${scope.projectId}
    ) size
    left join lateral (
      select c.relname as name, c.reltuples::float8 as vectors
      from unnest(${sql.param(indexNames)}::text[]) wanted
      join pg_class c on c.oid = to_regclass(wanted)
      join pg_index i on i.indexrelid = c.oid and i.indisvalid
      limit 1
    ) usable on true`);
  const { chunks = 0, name = null, vectors = null } = rows[0] ?? {};
  return { chunks, index: name === null ? null : { name, vectors: vectors ?? 0 } };
}

/** Visible chunks of the documents that a filter lets through. */
export async function countMatchingChunks(db: Database, scope: ProjectScope, filter: SQL): Promise<number> {
  const [row] = await db
    .select({ count: sql<number>`coalesce(sum(${documents.chunkCount}), 0)::int` })
    .from(documents)
    .where(and(eq(documents.projectId, scope.projectId), filter));
  return row?.count ?? 0;
}

function distanceTo({ vector }: NearestSearch): SQL {
  return sql`${embeddings.embedding} <=> ${encodeVector(vector)}::vector`;
}

/** As the index is defined: else it would not be used. */
function indexedDistanceTo({ vector, dimensions }: NearestSearch, kind: 'halfvec' | 'bit'): SQL {
  const size = sql.raw(String(dimensions));
  return kind === 'halfvec'
    ? sql`${embeddings.embedding}::halfvec(${size}) <=> ${encodeVector(vector)}::vector::halfvec(${size})`
    : sql`binary_quantize(${embeddings.embedding})::bit(${size}) <~> binary_quantize(${encodeVector(vector)}::vector)`;
}

function fromMatching(scope: ProjectScope, search: NearestSearch): SQL {
  return sql`
    from ${embeddings}
    join ${documentChunks} on ${documentChunks.projectId} = ${embeddings.projectId}
      and ${documentChunks.id} = ${embeddings.chunkId}
    join ${documents} on ${isVisible()}
    where ${and(hasModel(scope, search), search.filter)}`;
}

function hasModel(scope: ProjectScope, { model, dimensions }: NearestSearch): SQL | undefined {
  return and(
    eq(embeddings.projectId, scope.projectId),
    eq(embeddings.model, model),
    eq(embeddings.dimensions, dimensions),
  );
}

function isVisible(): SQL | undefined {
  return and(
    eq(documents.projectId, documentChunks.projectId),
    eq(documents.id, documentChunks.documentId),
    eq(documents.liveVersion, documentChunks.version),
  );
}
