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

/** Languages of a project's visible text, the most frequent first. */
export async function listIndexLanguages(
  db: Database,
  scope: ProjectScope,
  limit: number,
): Promise<string[]> {
  const rows = await db
    .select({ language: documents.language })
    .from(documents)
    .where(and(eq(documents.projectId, scope.projectId), gt(documents.liveVersion, 0)))
    .groupBy(documents.language)
    .orderBy(sql`sum(${documents.chunkCount}) desc`, documents.language)
    .limit(limit);
  return rows.map(({ language }) => language);
}

export type SegmentPostingRow = {
  segmentId: string;
  /** Of the visible chunks. */
  chunkCount: number;
  lengthSum: number;
  /** First ordinals and lengths of the runs of visible chunks; null: all are visible. */
  firstOrdinals: number[] | null;
  runLengths: number[] | null;
  chunkIds: Uint8Array;
  lengths: Uint8Array;
  terms: string[] | null;
  frequencies: number[] | null;
  lists: Uint8Array[] | null;
};

/** Every visible segment with its postings of `terms`: one statement, so that all statistics agree. */
export async function listSegmentPostings(
  db: Database,
  scope: ProjectScope,
  terms: string[],
): Promise<SegmentPostingRow[]> {
  const result = await db.execute<SegmentPostingRow>(sql`
    select s.id as "segmentId", coalesce(seen.chunk_count, s.chunk_count) as "chunkCount",
      coalesce(seen.length_sum, s.length_sum) as "lengthSum", seen.first_ordinals as "firstOrdinals",
      seen.run_lengths as "runLengths", s.chunk_ids as "chunkIds", s.lengths, p.terms, p.frequencies, p.lists
    from ${visibleSegments(scope)}
    left join (
      select segment_id, array_agg(term) as terms, array_agg(document_frequency) as frequencies,
        array_agg(data) as lists
      from lexical_postings
      where project_id = ${scope.projectId} and term = any(${sql.param(terms)}::text[])
      group by segment_id
    ) p on p.segment_id = s.id
    where s.project_id = ${scope.projectId} and (d.id is not null or seen.segment_id is not null)
    order by s.id`);
  return result.rows;
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
        array_agg(part.chunk_count order by part.first_ordinal) as run_lengths
      from lexical_segment_parts part
      join documents owner on owner.project_id = part.project_id and owner.id = part.document_id
        and owner.live_version = part.version
      where part.project_id = ${scope.projectId}
      group by part.segment_id
    ) seen on seen.segment_id = s.id`;
}
