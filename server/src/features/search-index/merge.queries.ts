import { and, eq, inArray, isNull, lt, sql } from 'drizzle-orm';
import { documents, lexicalPostings, lexicalSegmentParts, lexicalSegments } from '#db/schema/documents.js';
import type { Database } from '#platform/database.js';
import type { ProjectScope } from '#platform/scope.js';

/** Projects, of all tenants, with at least so many segments, or with a merged one of which something has died. */
export async function listProjectsToMerge(db: Database, minSegments: number): Promise<string[]> {
  const result = await db.execute<{ projectId: string }>(sql`
    select project_id as "projectId" from lexical_segments group by project_id having count(*) >= ${minSegments}
    union
    select s.project_id from lexical_segments s
    left join (
      select part.project_id, part.segment_id, sum(part.chunk_count) as chunk_count
      from lexical_segment_parts part
      join documents owner on owner.project_id = part.project_id and owner.id = part.document_id
        and owner.live_version = part.version
      group by part.project_id, part.segment_id
    ) seen on seen.project_id = s.project_id and seen.segment_id = s.id
    where s.document_id is null and s.chunk_count > coalesce(seen.chunk_count, 0)`);
  return result.rows.map(({ projectId }) => projectId);
}

/** Takes away the rows of segments that are gone, and tells the planner how many there are. Not in a transaction. */
export async function vacuumIndex(db: Database): Promise<void> {
  await db.execute(sql`vacuum (analyze) lexical_postings, lexical_segments, lexical_segment_parts`);
}

/** Projects, of all tenants, with a segment of an older analyzer. */
export async function listProjectsToRebuild(db: Database, analyzerVersion: number): Promise<string[]> {
  const rows = await db
    .selectDistinct({ projectId: lexicalSegments.projectId })
    .from(lexicalSegments)
    .where(lt(lexicalSegments.analyzerVersion, analyzerVersion));
  return rows.map(({ projectId }) => projectId);
}

/** Writes what the index makes of chunks beside them. */
export async function updateChunkTerms(
  db: Database,
  scope: ProjectScope,
  { language, chunkIds, terms }: { language: string; chunkIds: string[]; terms: string[] },
): Promise<void> {
  await db.execute(sql`
    update document_chunks set language = ${language}, terms = made.terms
    from unnest(${sql.param(chunkIds)}::uuid[], ${sql.param(terms)}::text[]) as made (id, terms)
    where document_chunks.project_id = ${scope.projectId} and document_chunks.id = made.id`);
}

type MergeSourceRow = Pick<
  typeof lexicalSegments.$inferSelect,
  'id' | 'documentId' | 'version' | 'analyzerVersion' | 'language' | 'chunkCount' | 'chunkIds' | 'lengths'
>;

export function listMergeSources(
  db: Database,
  scope: ProjectScope,
  ids: string[],
): Promise<MergeSourceRow[]> {
  const { id, documentId, version, analyzerVersion, language, chunkCount, chunkIds, lengths } =
    lexicalSegments;
  return db
    .select({ id, documentId, version, analyzerVersion, language, chunkCount, chunkIds, lengths })
    .from(lexicalSegments)
    .where(areSegments(scope, ids));
}

type PartRow = typeof lexicalSegmentParts.$inferSelect;
type NewPart = Omit<PartRow, 'projectId'>;

/** The visible parts of merged segments, in order. */
export async function listVisibleParts(
  db: Database,
  scope: ProjectScope,
  segmentIds: string[],
): Promise<PartRow[]> {
  const rows = await db
    .select({ part: lexicalSegmentParts })
    .from(lexicalSegmentParts)
    .innerJoin(
      documents,
      and(
        eq(documents.projectId, lexicalSegmentParts.projectId),
        eq(documents.id, lexicalSegmentParts.documentId),
        eq(documents.liveVersion, lexicalSegmentParts.version),
      ),
    )
    .where(arePartsOf(scope, segmentIds))
    .orderBy(lexicalSegmentParts.segmentId, lexicalSegmentParts.firstOrdinal);
  return rows.map(({ part }) => part);
}

export function listPostings(
  db: Database,
  scope: ProjectScope,
  segmentIds: string[],
): Promise<{ segmentId: string; term: string; data: Uint8Array }[]> {
  const { segmentId, term, data } = lexicalPostings;
  return db
    .select({ segmentId, term, data })
    .from(lexicalPostings)
    .where(and(eq(lexicalPostings.projectId, scope.projectId), inArray(segmentId, segmentIds)));
}

/** Keeps documents from being deleted until commit. Waits for nothing: those that are being deleted are left out. */
export async function lockDocuments(db: Database, scope: ProjectScope, ids: string[]): Promise<Set<string>> {
  const rows = await db
    .select({ id: documents.id })
    .from(documents)
    .where(
      and(eq(documents.projectId, scope.projectId), sql`${documents.id} = any(${sql.param(ids)}::uuid[])`),
    )
    .for('key share', { skipLocked: true });
  return new Set(rows.map(({ id }) => id));
}

/** Those of the segments that are still there and in nobody's hands. Waits for nothing. */
export async function lockSegments(db: Database, scope: ProjectScope, ids: string[]): Promise<Set<string>> {
  const rows = await db
    .select({ id: lexicalSegments.id })
    .from(lexicalSegments)
    .where(areSegments(scope, ids))
    .for('update', { skipLocked: true });
  return new Set(rows.map(({ id }) => id));
}

/** Which runs of locked segments are still theirs, as `segment:ordinal`: those of deleted documents are not. */
export async function listRunKeys(db: Database, scope: ProjectScope, ids: string[]): Promise<Set<string>> {
  const whole = await db
    .select({ id: lexicalSegments.id })
    .from(lexicalSegments)
    .where(and(areSegments(scope, ids), sql`${lexicalSegments.documentId} is not null`));
  const parts = await db
    .select({ id: lexicalSegmentParts.segmentId, firstOrdinal: lexicalSegmentParts.firstOrdinal })
    .from(lexicalSegmentParts)
    .where(arePartsOf(scope, ids));
  return new Set([
    ...whole.map(({ id }) => runKey({ id, firstOrdinal: 0 })),
    ...parts.map((part) => runKey(part)),
  ]);
}

export function runKey(run: { id: string; firstOrdinal: number }): string {
  return `${run.id}:${run.firstOrdinal}`;
}

/** What can be seen changes, or where it stands: searches know. Holds the project's row until commit. */
export async function raiseIndexVersion(db: Database, scope: ProjectScope): Promise<void> {
  await db.execute(sql`update projects set index_version = index_version + 1 where id = ${scope.projectId}`);
}

/** In arrays: a statement takes 65,535 parameters at most. */
export async function insertParts(db: Database, scope: ProjectScope, parts: NewPart[]): Promise<void> {
  const column = (name: keyof NewPart) => sql.param(parts.map((part) => part[name]));
  await db.execute(sql`
    insert into lexical_segment_parts
      (project_id, segment_id, first_ordinal, chunk_count, length_sum, document_id, version)
    select ${scope.projectId}::uuid, part.*
    from unnest(${column('segmentId')}::uuid[], ${column('firstOrdinal')}::int[], ${column('chunkCount')}::int[], ${column('lengthSum')}::int[],
      ${column('documentId')}::uuid[], ${column('version')}::int[]) as part`);
}

/** Takes segments out of sight; their rows are deleted later, since that takes longer. */
export async function retireSegments(db: Database, scope: ProjectScope, ids: string[]): Promise<void> {
  await db.update(lexicalSegments).set({ documentId: null, version: null }).where(areSegments(scope, ids));
  await db.delete(lexicalSegmentParts).where(arePartsOf(scope, ids));
}

/** Deletes segments that nobody sees, with their postings. */
export async function deleteRetiredSegments(db: Database, scope: ProjectScope, ids: string[]): Promise<void> {
  await db.delete(lexicalSegments).where(and(areSegments(scope, ids), isNull(lexicalSegments.documentId)));
}

function areSegments(scope: ProjectScope, ids: string[]) {
  return and(eq(lexicalSegments.projectId, scope.projectId), inArray(lexicalSegments.id, ids));
}

function arePartsOf(scope: ProjectScope, segmentIds: string[]) {
  return and(
    eq(lexicalSegmentParts.projectId, scope.projectId),
    inArray(lexicalSegmentParts.segmentId, segmentIds),
  );
}
