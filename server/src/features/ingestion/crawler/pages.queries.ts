import { type SQL, and, eq, exists, gt, inArray, ne, not, sql } from 'drizzle-orm';
import { documentChunks, documents, lexicalSegments } from '#db/schema/documents.js';
import { sourcePages } from '#db/schema/source-pages.js';
import { sources } from '#db/schema/sources.js';
import type { Database } from '#platform/database.js';
import { isUniqueViolation } from '#platform/database-errors.js';
import type { ProjectScope } from '#platform/scope.js';

export type PageRow = typeof sourcePages.$inferSelect;
export type NewPage = typeof sourcePages.$inferInsert;
export type SourceRow = typeof sources.$inferSelect;

/** Columns of a page that its visit writes. */
export type PageChanges = Partial<
  Pick<
    PageRow,
    | 'status'
    | 'reason'
    | 'detail'
    | 'title'
    | 'url'
    | 'etag'
    | 'lastModified'
    | 'bodyHash'
    | 'readerKey'
    | 'textHash'
    | 'bytes'
    | 'language'
    | 'chunkCount'
    | 'visitedAt'
    | 'isForced'
  >
>;

export async function findPageWithSourceOrNull(
  db: Database,
  scope: ProjectScope,
  pageId: string,
): Promise<{ page: PageRow; source: SourceRow; hasDocument: boolean } | null> {
  const [row] = await db
    .select({
      page: sourcePages,
      source: sources,
      hasDocument: sql<boolean>`${documents.id} is not null`,
    })
    .from(sourcePages)
    .innerJoin(
      sources,
      and(eq(sources.projectId, sourcePages.projectId), eq(sources.id, sourcePages.sourceId)),
    )
    .leftJoin(
      documents,
      and(
        eq(documents.projectId, sourcePages.projectId),
        eq(documents.sourceId, sourcePages.sourceId),
        eq(documents.key, sourcePages.key),
        sql`${documents.liveVersion} > 0`,
      ),
    )
    .where(and(eq(sourcePages.projectId, scope.projectId), eq(sourcePages.id, pageId)));
  return row ?? null;
}

/**
 * Locks the source's row: whoever holds it decides alone what its run does next. Those who only write rows that belong
 * to the source do not wait for it.
 */
export async function lockSourceOrNull(
  db: Database,
  scope: ProjectScope,
  sourceId: string,
): Promise<SourceRow | null> {
  const [row] = await db.select().from(sources).where(isSource(scope, sourceId)).for('no key update');
  return row ?? null;
}

export async function updateRun(
  db: Database,
  scope: ProjectScope,
  sourceId: string,
  changes: Partial<
    Pick<
      SourceRow,
      'sync' | 'syncPhase' | 'isSyncWanted' | 'crawl' | 'counts' | 'progress' | 'status' | 'error'
    >
  >,
): Promise<void> {
  await db.update(sources).set(changes).where(isSource(scope, sourceId));
}

/** Which of these addresses a source knows, so that nothing of them changes if they are met again. */
export async function listKnownPages(
  db: Database,
  scope: ProjectScope,
  sourceId: string,
  keys: readonly string[],
): Promise<Set<string>> {
  const isTooDeep = and(eq(sourcePages.status, 'skipped'), eq(sourcePages.reason, 'too_deep'));
  const rows = await db
    .select({ key: sourcePages.key })
    .from(sourcePages)
    .where(
      and(
        isPageOf(scope, sourceId),
        sql`${sourcePages.key} = any(${sql.param(keys)}::text[])`,
        sql`(${isTooDeep}) is not true`,
      ),
    );
  return new Set(rows.map(({ key }) => key));
}

/**
 * Adds pages to those that a source has seen. One that is known stays as it is, unless it lay too deep and now does
 * not.
 * @returns the status of each that is new
 */
export async function insertPages(
  db: Database,
  scope: ProjectScope,
  pages: NewPage[],
): Promise<PageRow['status'][]> {
  if (pages.length === 0) return [];
  const status = sourcePages.status;
  const added = await db.insert(sourcePages).values(pages).onConflictDoNothing().returning({ status });
  if (added.length === pages.length) return added.map((row) => row.status);
  const [{ sourceId, depth } = { sourceId: '', depth: 0 }] = pages;
  const keys = pages.filter((page) => page.status === 'queued').map(({ key }) => key);
  const reached = await db
    .update(sourcePages)
    .set({ status: 'queued', reason: null, detail: null, depth })
    .where(
      and(
        isPageOf(scope, sourceId),
        sql`${sourcePages.key} = any(${sql.param(keys)}::text[])`,
        eq(sourcePages.status, 'skipped'),
        eq(sourcePages.reason, 'too_deep'),
      ),
    )
    .returning({ status });
  return [...added, ...reached].map((row) => row.status);
}

export async function updatePage(
  db: Database,
  scope: ProjectScope,
  pageId: string,
  changes: PageChanges,
): Promise<void> {
  await db
    .update(sourcePages)
    .set(changes)
    .where(and(eq(sourcePages.projectId, scope.projectId), eq(sourcePages.id, pageId)));
}

/** The page itself, as its row is now. */
export async function findPageStatusOrNull(
  db: Database,
  scope: ProjectScope,
  pageId: string,
): Promise<{ status: PageRow['status']; sync: number } | null> {
  const [row] = await db
    .select({ status: sourcePages.status, sync: sourcePages.sync })
    .from(sourcePages)
    .where(and(eq(sourcePages.projectId, scope.projectId), eq(sourcePages.id, pageId)));
  return row ?? null;
}

/**
 * Says that a text is this page's, if no other page of the source has it. A forced page takes it from one that is not
 * indexed.
 * @returns the address of the other page, or null: it is this one's now
 */
export async function claimText(
  db: Database,
  scope: ProjectScope,
  claim: { page: Pick<PageRow, 'id' | 'sourceId' | 'isForced'>; textHash: string },
): Promise<string | null> {
  const { page, textHash } = claim;
  const isOther = and(
    isPageOf(scope, page.sourceId),
    eq(sourcePages.textHash, textHash),
    ne(sourcePages.id, page.id),
  );
  if (page.isForced) {
    const isIndexed = inArray(sourcePages.status, ['indexed', 'unchanged']);
    await db
      .update(sourcePages)
      .set({ textHash: null })
      .where(and(isOther, not(isIndexed)));
  }
  for (;;) {
    const [other] = await db.select({ key: sourcePages.key }).from(sourcePages).where(isOther);
    if (other !== undefined) return other.key;
    try {
      // In a savepoint: within a transaction nothing could be asked any more after it.
      await db.transaction((tx) => updatePage(tx, scope, page.id, { textHash }));
      return null;
    } catch (error) {
      // Another visit was quicker: now it can be seen.
      if (!isUniqueViolation(error)) throw error;
    }
  }
}

/** Takes the document of a page out of the index. @returns whether one could be found by searches */
export async function deletePageDocument(
  db: Database,
  scope: ProjectScope,
  page: { sourceId: string; key: string },
): Promise<boolean> {
  const rows = await db
    .delete(documents)
    .where(
      and(
        eq(documents.projectId, scope.projectId),
        eq(documents.sourceId, page.sourceId),
        eq(documents.key, page.key),
      ),
    )
    .returning({ liveVersion: documents.liveVersion });
  const isLive = rows.some(({ liveVersion }) => liveVersion > 0);
  if (isLive) await raiseIndexVersion(db, scope);
  return isLive;
}

/** Takes away what a visit of a page has written that searches do not see: a version, or a document without one. */
export async function deleteUnseenOfPage(
  db: Database,
  scope: ProjectScope,
  page: { sourceId: string; key: string },
): Promise<void> {
  const isOfPage = and(
    eq(documents.projectId, scope.projectId),
    eq(documents.sourceId, page.sourceId),
    eq(documents.key, page.key),
  );
  await db.delete(documents).where(and(isOfPage, eq(documents.liveVersion, 0)));
  for (const table of [lexicalSegments, documentChunks]) {
    const isUnseen = and(eq(documents.id, table.documentId), gt(table.version, documents.liveVersion));
    const document = db.select({ id: documents.id }).from(documents).where(and(isOfPage, isUnseen));
    await db.delete(table).where(and(eq(table.projectId, scope.projectId), exists(document)));
  }
}

export async function raiseIndexVersion(db: Database, scope: ProjectScope): Promise<void> {
  await db.execute(sql`update projects set index_version = index_version + 1 where id = ${scope.projectId}`);
}

export function isPageOf(scope: ProjectScope, sourceId: string): SQL | undefined {
  return and(eq(sourcePages.projectId, scope.projectId), eq(sourcePages.sourceId, sourceId));
}

function isSource(scope: ProjectScope, sourceId: string): SQL | undefined {
  return and(eq(sources.projectId, scope.projectId), eq(sources.id, sourceId));
}

/** Writes the one page of a source that is read in one go. */
export async function upsertOnlyPage(db: Database, page: NewPage): Promise<void> {
  const { id: _id, ...changes } = page;
  await db
    .insert(sourcePages)
    .values(page)
    .onConflictDoUpdate({
      target: [sourcePages.projectId, sourcePages.sourceId, sourcePages.key],
      set: changes,
    });
}
