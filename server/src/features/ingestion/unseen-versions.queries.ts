import { gt, sql } from 'drizzle-orm';
import { documents } from '#db/schema/documents.js';
import type { Database } from '#platform/database.js';

/** Documents of every project, in the order of their ids. */
export async function listDocumentIds(
  db: Database,
  page: { afterId: string | null; limit: number },
): Promise<string[]> {
  const rows = await db
    .select({ id: documents.id })
    .from(documents)
    .where(page.afterId === null ? undefined : gt(documents.id, page.afterId))
    .orderBy(documents.id)
    .limit(page.limit);
  return rows.map(({ id }) => id);
}

export interface UnseenRows {
  documentIds: string[];
  before: Date;
  limit: number;
}

/** Deletes segments of versions that are not live, with their postings. @returns how many */
export function deleteUnseenSegments(db: Database, unseen: UnseenRows): Promise<number> {
  return deleteUnseen(db, 'lexical_segments', unseen);
}

/** Deletes chunks of versions that are not live, with their embeddings. @returns how many */
export function deleteUnseenChunks(db: Database, unseen: UnseenRows): Promise<number> {
  return deleteUnseen(db, 'document_chunks', unseen);
}

/** Leaves alone what a job that waits or runs may write, or take vectors from. */
async function deleteUnseen(
  db: Database,
  table: 'lexical_segments' | 'document_chunks',
  { documentIds, before, limit }: UnseenRows,
): Promise<number> {
  const result = await db.execute(sql`
    delete from ${sql.identifier(table)} where id in (
      select row.id
      from documents d
      join ${sql.identifier(table)} row
        on row.project_id = d.project_id and row.document_id = d.id and row.version <> d.live_version
      where d.id = any(${sql.param(documentIds)}::uuid[])
        and row.created_at < ${before.toISOString()}::timestamptz
        and not exists (
          select from jobs
          where jobs.project_id = d.project_id and payload->>'sourceId' = d.source_id::text
            and status in ('queued', 'running')
        )
      limit ${limit}
    )`);
  return result.rowCount ?? 0;
}
