import { and, desc, eq, getTableColumns, lt } from 'drizzle-orm';
import { documents } from '#db/schema/documents.js';
import { sourcePages } from '#db/schema/source-pages.js';
import type { Database } from '#platform/database.js';
import type { ProjectScope } from '#platform/scope.js';

export type SourcePageRow = typeof sourcePages.$inferSelect & { documentId: string | null };

/** The pages that a source has seen, the latest met first, each with the document that was made of it. */
export function listSourcePages(
  db: Database,
  scope: ProjectScope,
  filter: {
    sourceId: string;
    status: SourcePageRow['status'] | null;
    beforeId: string | null;
    limit: number;
  },
): Promise<SourcePageRow[]> {
  return db
    .select({ ...getTableColumns(sourcePages), documentId: documents.id })
    .from(sourcePages)
    .leftJoin(
      documents,
      and(
        eq(documents.projectId, sourcePages.projectId),
        eq(documents.sourceId, sourcePages.sourceId),
        eq(documents.key, sourcePages.key),
      ),
    )
    .where(
      and(
        eq(sourcePages.projectId, scope.projectId),
        eq(sourcePages.sourceId, filter.sourceId),
        filter.status === null ? undefined : eq(sourcePages.status, filter.status),
        filter.beforeId === null ? undefined : lt(sourcePages.id, filter.beforeId),
      ),
    )
    .orderBy(desc(sourcePages.id))
    .limit(filter.limit + 1);
}
