import { and, eq, sql } from 'drizzle-orm';
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
    .select({ language: lexicalSegments.language })
    .from(lexicalSegments)
    .innerJoin(documents, isVisible())
    .where(eq(lexicalSegments.projectId, scope.projectId))
    .groupBy(lexicalSegments.language)
    .orderBy(sql`sum(${lexicalSegments.chunkCount}) desc`)
    .limit(limit);
  return rows.map(({ language }) => language);
}

export type SegmentPostingRow = {
  segmentId: string;
  chunkCount: number;
  lengthSum: number;
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
    select s.id as "segmentId", s.chunk_count as "chunkCount", s.length_sum as "lengthSum",
      s.chunk_ids as "chunkIds", s.lengths, p.terms, p.frequencies, p.lists
    from lexical_segments s
    join documents d
      on d.project_id = s.project_id and d.id = s.document_id and d.live_version = s.version
    left join (
      select segment_id, array_agg(term) as terms, array_agg(document_frequency) as frequencies,
        array_agg(data) as lists
      from lexical_postings
      where project_id = ${scope.projectId} and term = any(${sql.param(terms)}::text[])
      group by segment_id
    ) p on p.segment_id = s.id
    where s.project_id = ${scope.projectId}`);
  return result.rows;
}

function isVisible() {
  return and(
    eq(documents.projectId, lexicalSegments.projectId),
    eq(documents.id, lexicalSegments.documentId),
    eq(documents.liveVersion, lexicalSegments.version),
  );
}
