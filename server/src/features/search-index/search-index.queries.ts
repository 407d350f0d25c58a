import { type SQL, and, eq, gt, sql } from 'drizzle-orm';
import { documents, lexicalSegments } from '#db/schema/documents.js';
import type { Database } from '#platform/database.js';
import type { ProjectScope } from '#platform/scope.js';

export interface PostingRow {
  term: string;
  documentFrequency: number;
  data: Uint8Array;
}

export async function insertSegment(
  db: Database,
  segment: typeof lexicalSegments.$inferInsert,
  postings: PostingRow[],
): Promise<void> {
  await db.insert(lexicalSegments).values(segment);
  await insertPostings(db, segment, postings);
}

export async function insertPostings(
  db: Database,
  segment: { id: string; projectId: string },
  postings: PostingRow[],
): Promise<void> {
  const terms = postings.map(({ term }) => term);
  const frequencies = postings.map(({ documentFrequency }) => documentFrequency);
  const lists = postings.map(({ data }) => Buffer.from(data));
  await db.execute(sql`
    insert into lexical_postings (project_id, segment_id, term, document_frequency, data)
    select ${segment.projectId}::uuid, ${segment.id}::uuid, posting.term, posting.frequency, posting.data
    from unnest(${sql.param(terms)}::text[], ${sql.param(frequencies)}::int[], ${sql.param(lists)}::bytea[])
      as posting (term, frequency, data)`);
}

export type VisibleSegmentRow = {
  id: string;
  language: string;
  /** Of the visible chunks. */
  chunkCount: number;
  lengthSum: number;
  /** Of the whole segment; null: the reader knows them. */
  chunkIds: Uint8Array | null;
  lengths: Uint8Array | null;
  /** The document of all of its chunks; null: `runs` tell. */
  documentId: string | null;
  /** The runs of visible chunks of a merged segment, in order. */
  firstOrdinals: number[] | null;
  runLengths: number[] | null;
  runDocuments: string[] | null;
};

/**
 * The state of a project's index and its visible segments in that state, by one statement. Null: no such project.
 * @param knownIds segments whose chunk ids and lengths the reader has: they never change
 */
export async function findVisibleSegmentsOrNull(
  db: Database,
  scope: ProjectScope,
  knownIds: string[],
): Promise<{ version: number; segments: VisibleSegmentRow[] } | null> {
  const isKnown = sql`s.id = any(${sql.param(knownIds)}::uuid[])`;
  const result = await db.execute<{ version: number } & ({ id: null } | VisibleSegmentRow)>(sql`
    select p.index_version as version, visible.* from projects p left join (
      select s.project_id, s.id, s.language, s.document_id as "documentId",
        coalesce(seen.chunk_count, s.chunk_count) as "chunkCount",
        coalesce(seen.length_sum, s.length_sum) as "lengthSum",
        case when ${isKnown} then null else s.chunk_ids end as "chunkIds",
        case when ${isKnown} then null else s.lengths end as lengths,
        seen.first_ordinals as "firstOrdinals", seen.run_lengths as "runLengths",
        seen.document_ids as "runDocuments"
      from ${visibleSegments(scope)}
      where s.project_id = ${scope.projectId} and (d.id is not null or seen.segment_id is not null)
    ) visible on visible.project_id = p.id
    where p.id = ${scope.projectId} order by visible.id`);
  const [first] = result.rows;
  if (first === undefined) return null;
  return { version: first.version, segments: result.rows.filter((row) => row.id !== null) };
}

/**
 * The posting lists of terms in all segments, seen or not, packed: of each list the segment's id (16 bytes), its
 * document frequency, the bytes of its term and of its data (int32 big-endian), and these two. One statement, so that
 * they are those of the state of the index that is given with them; null: no such project.
 */
export async function findPostingsOrNull(
  db: Database,
  scope: ProjectScope,
  terms: string[],
): Promise<{ version: number; packed: Uint8Array } | null> {
  const result = await db.execute<{ version: number; packed: Uint8Array | null }>(sql`
    select index_version as version, (
      select string_agg(uuid_send(segment_id) || int4send(document_frequency) || int4send(octet_length(term))
        || int4send(octet_length(data)) || convert_to(term, 'UTF8') || data, ''::bytea)
      from lexical_postings
      where project_id = ${scope.projectId} and term = any(${sql.param(terms)}::text[])
    ) as packed
    from projects where id = ${scope.projectId}`);
  const [row] = result.rows;
  return row === undefined ? null : { version: row.version, packed: row.packed ?? new Uint8Array() };
}

/** Above every character that a term may have. */
const LAST_CHARACTER = '\u{10ffff}';

/**
 * For each term its neighbours in the sorted vocabulary that start like it: what has most of its start in common.
 * @param limit at most so many before it, and so many behind it
 */
export async function listNeighbourTerms(
  db: Database,
  scope: ProjectScope,
  { terms, limit }: { terms: { term: string; prefix: string }[]; limit: number },
): Promise<Map<string, string[]>> {
  const column = (values: string[]) => sql`${sql.param(values)}::text[]`;
  const neighbours = (condition: SQL, order: SQL) => sql`
    (select distinct term from lexical_postings
      where project_id = ${scope.projectId} and ${condition} order by term ${order} limit ${limit})`;
  const result = await db.execute<{ term: string; neighbours: string | null }>(sql`
    select asked.term, near.neighbours
    from unnest(${column(terms.map(({ term }) => term))}, ${column(terms.map(({ prefix }) => prefix))},
      ${column(terms.map(({ prefix }) => prefix + LAST_CHARACTER))}) as asked (term, lowest, highest)
    cross join lateral (
      select string_agg(term, ' ') as neighbours from (
        ${neighbours(sql`term > asked.term collate "C" and term < asked.highest collate "C"`, sql`asc`)}
        union all
        ${neighbours(sql`term < asked.term collate "C" and term >= asked.lowest collate "C"`, sql`desc`)}
      ) as found
    ) as near`);
  // No term has a space in it.
  return new Map(result.rows.map((row) => [row.term, row.neighbours?.split(' ') ?? []]));
}

export interface ChunkText {
  id: string;
  title: string;
  heading: string | null;
  content: string;
  terms: string | null;
  documentLanguage: string;
}

/**
 * Chunks as they are read by the index, of whatever version. One by one: a planner that knows nothing of the tables yet
 * would go through all chunks of the project.
 */
export async function listChunkTexts(
  db: Database,
  scope: ProjectScope,
  chunkIds: string[],
): Promise<ChunkText[]> {
  const result = await db.execute<ChunkText & Record<string, unknown>>(sql`
    select c.id, d.title, c.heading, c.content, c.terms, d.language as "documentLanguage"
    from unnest(${sql.param(chunkIds)}::uuid[]) as wanted (id)
    cross join lateral (
      select id, document_id, heading, content, terms from document_chunks
      where project_id = ${scope.projectId} and id = wanted.id limit 1
    ) c
    cross join lateral (
      select title, language from documents where project_id = ${scope.projectId} and id = c.document_id limit 1
    ) d`);
  return result.rows;
}

/** Those documents that a condition on `documents` allows. */
export async function listDocumentIds(db: Database, scope: ProjectScope, allowed: SQL): Promise<Set<string>> {
  const rows = await db
    .select({ id: documents.id })
    .from(documents)
    .where(and(eq(documents.projectId, scope.projectId), gt(documents.liveVersion, 0), allowed));
  return new Set(rows.map(({ id }) => id));
}

export interface SegmentSize {
  id: string;
  analyzerVersion: number;
  language: string;
  /** Chunks as written. */
  chunkCount: number;
  /** Those of them that can be seen. */
  visibleCount: number;
}

/** The visible segments of a project. */
export async function listSegmentSizes(db: Database, scope: ProjectScope): Promise<SegmentSize[]> {
  const result = await db.execute<SegmentSize & Record<string, unknown>>(sql`
    select s.id, s.analyzer_version as "analyzerVersion", s.language, s.chunk_count as "chunkCount",
      coalesce(seen.chunk_count, s.chunk_count) as "visibleCount"
    from ${visibleSegments(scope)}
    where s.project_id = ${scope.projectId} and (d.id is not null or seen.segment_id is not null)`);
  return result.rows;
}

/** Merged segments without a visible part. Those written after `before` may be in the making. */
export async function listUnseenSegments(db: Database, scope: ProjectScope, before: Date): Promise<string[]> {
  const result = await db.execute<{ id: string }>(sql`
    select s.id from ${visibleSegments(scope)}
    where s.project_id = ${scope.projectId} and s.document_id is null and seen.segment_id is null
      and s.created_at < ${before.toISOString()}::timestamptz`);
  return result.rows.map(({ id }) => id);
}

/**
 * Segments `s` joined with what makes them visible: their document `d` when they are of its live version, or, for a
 * merged one, the sums and runs `seen` of its parts that are of theirs.
 */
function visibleSegments(scope: ProjectScope): SQL {
  return sql`lexical_segments s
    left join documents d
      on d.project_id = s.project_id and d.id = s.document_id and d.live_version = s.version
    left join (
      select part.segment_id, sum(part.chunk_count)::int as chunk_count, sum(part.length_sum)::int as length_sum,
        array_agg(part.first_ordinal order by part.first_ordinal) as first_ordinals,
        array_agg(part.chunk_count order by part.first_ordinal) as run_lengths,
        array_agg(part.document_id order by part.first_ordinal) as document_ids
      from lexical_segment_parts part
      join documents owner on owner.project_id = part.project_id and owner.id = part.document_id
        and owner.live_version = part.version
      where part.project_id = ${scope.projectId}
      group by part.segment_id
    ) seen on seen.segment_id = s.id`;
}
