import { sql } from 'drizzle-orm';
import type { Database } from '#platform/database.js';
import { parseEmbeddingModel } from '#platform/embedding-model.js';

export interface LargeModel {
  model: string;
  dimensions: number;
  /** Chunks of the largest project that has vectors of it, about. */
  chunks: number;
}

/**
 * Models that some large project has vectors of and compares with, or will compare with once it has all of them.
 * Across accounts: for upkeep alone.
 * @param search.configured as `model:dimensions`; null: none
 */
export async function listLargeModels(
  db: Database,
  search: { configured: string | null; leastChunks: number },
): Promise<LargeModel[]> {
  const { configured, leastChunks } = search;
  const { rows } = await db.execute<{ key: string; chunks: number }>(sql`
    with large as (
      select project_id, sum(chunk_count)::int as chunks from lexical_segments
      group by project_id having sum(chunk_count) >= ${leastChunks}
    ), used as (
      select large.*, coalesce(p.embedding_model, ${configured}::text) as key
      from large join projects p on p.id = large.project_id
      union
      select large.*, ${configured}::text from large
    )
    select key, max(chunks) as chunks from used
    where exists (
      select from embeddings e
      where e.project_id = used.project_id
        and e.model = regexp_replace(used.key, ':[0-9]+$', '')
        and e.dimensions = substring(used.key from ':([0-9]+)$')::int
    )
    group by key order by key`);
  return rows.flatMap(({ key, chunks }) => {
    const model = parseEmbeddingModel(key);
    return model === null ? [] : [{ ...model, chunks }];
  });
}

/** Indexes of the table of vectors whose names start so. Invalid: being built, or left half-built. */
export async function listVectorIndexes(
  db: Database,
  prefix: string,
): Promise<{ name: string; isValid: boolean }[]> {
  const { rows } = await db.execute<{ name: string; isValid: boolean }>(sql`
    select c.relname as name, i.indisvalid as "isValid"
    from pg_index i join pg_class c on c.oid = i.indexrelid
    where i.indrelid = 'embeddings'::regclass and starts_with(c.relname, ${prefix})
    order by c.relname`);
  return rows;
}

/** How many vectors of a model there are, but never more than `most`: who asks wants to know whether there are. */
export async function countVectorsUpTo(
  db: Database,
  { model, dimensions }: { model: string; dimensions: number },
  most: number,
): Promise<number> {
  const { rows } = await db.execute<{ count: number }>(sql`
    select count(*)::int as count from (
      select from embeddings where model = ${model} and dimensions = ${dimensions} limit ${most}
    ) counted`);
  return rows[0]?.count ?? 0;
}

export interface NewVectorIndex {
  name: string;
  kind: 'halfvec' | 'bit';
  model: string;
  dimensions: number;
}

/** A statement cannot be given a definition by parameters: the model's name is quoted by the database itself. */
export async function createVectorIndex(
  db: Database,
  { name, kind, model, dimensions }: NewVectorIndex,
  isConcurrent: boolean,
): Promise<void> {
  const { rows } = await db.execute<{ statement: string }>(sql`
    select format(
      'create index %s if not exists %I on embeddings using hnsw ((%s(%s)) %s) with (ef_construction = %s) '
        || 'where model = %L and dimensions = %s',
      ${isConcurrent ? 'concurrently' : ''}::text, ${name}::text,
      ${kind === 'halfvec' ? 'embedding::halfvec' : 'binary_quantize(embedding)::bit'}::text, ${dimensions}::int,
      ${kind === 'halfvec' ? 'halfvec_cosine_ops' : 'bit_hamming_ops'}::text, ${CONSTRUCTION_EFFORT}::int,
      ${model}::text, ${dimensions}::int
    ) as statement`);
  const [row] = rows;
  if (row !== undefined) await db.execute(sql.raw(row.statement));
}

export async function dropVectorIndex(db: Database, name: string, isConcurrent: boolean): Promise<void> {
  const concurrently = sql.raw(isConcurrent ? 'concurrently' : '');
  await db.execute(sql`drop index ${concurrently} if exists ${sql.identifier(name)}`);
}

/**
 * Lets a session build: in as much memory as it is allowed, and in one process, since several would need shared
 * memory, of which a container has 64 MB.
 */
export async function prepareBuild(db: Database): Promise<void> {
  await db.execute(sql`
    select set_config('max_parallel_maintenance_workers', '0', false),
      set_config('maintenance_work_mem',
        greatest(pg_size_bytes(current_setting('maintenance_work_mem')), pg_size_bytes(${BUILD_MEMORY})) / 1024 || 'kB',
        false)`);
}

/** How many neighbours are looked at for each vector: with the 64 of pgvector 2 % of the nearest were never found. */
const CONSTRUCTION_EFFORT = 128;
/** About 75,000 vectors of 1,536 numbers; those beyond take longer. */
const BUILD_MEMORY = '256MB';
