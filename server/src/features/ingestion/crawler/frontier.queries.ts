import { and, asc, desc, eq, gt, inArray, isNotNull, lt, ne, not, sql } from 'drizzle-orm';
import { documents } from '#db/schema/documents.js';
import { jobs } from '#db/schema/jobs.js';
import { sourcePages } from '#db/schema/source-pages.js';
import type { Database } from '#platform/database.js';
import type { ProjectScope } from '#platform/scope.js';
import { isPageOf, raiseIndexVersion } from './pages.queries.js';

/** Deletes pages that the last run has found to be gone: who still links to them brings them back. */
export async function deleteGonePages(db: Database, scope: ProjectScope, sourceId: string): Promise<void> {
  await db
    .delete(sourcePages)
    .where(
      and(
        isPageOf(scope, sourceId),
        eq(sourcePages.status, 'failed'),
        inArray(sourcePages.reason, ['http_404', 'http_410']),
        ne(sourcePages.depth, 0),
      ),
    );
}

/**
 * Puts some pages of earlier runs on the frontier of this one; what somebody deleted stays as it is.
 * @returns how many there were
 */
export async function requeuePages(
  db: Database,
  scope: ProjectScope,
  run: { sourceId: string; sync: number; limit: number },
): Promise<number> {
  const older = db
    .select({ id: sourcePages.id })
    .from(sourcePages)
    .where(and(isPageOf(scope, run.sourceId), lt(sourcePages.sync, run.sync)))
    .limit(run.limit);
  const isDeleted = sql`(${sourcePages.status} = 'skipped' and ${sourcePages.reason} = 'deleted')`;
  const rows = await db
    .update(sourcePages)
    .set({
      sync: run.sync,
      status: sql`case when ${isDeleted} then 'skipped'::page_status else 'queued'::page_status end`,
    })
    .where(and(eq(sourcePages.projectId, scope.projectId), inArray(sourcePages.id, older)))
    .returning({ id: sourcePages.id });
  return rows.length;
}

/** Pages of a source at the start of a run; `skipped` are those that this run has left out already. */
export async function countPages(
  db: Database,
  scope: ProjectScope,
  sourceId: string,
): Promise<{ total: number; queued: number; skipped: number }> {
  const isLeftOut = sql`${sourcePages.status} = 'skipped' and ${sourcePages.reason} <> 'deleted'`;
  const [row] = await db
    .select({
      total: sql<number>`count(*)::int`,
      queued: sql<number>`(count(*) filter (where ${sourcePages.status} = 'queued'))::int`,
      skipped: sql<number>`(count(*) filter (where ${isLeftOut}))::int`,
    })
    .from(sourcePages)
    .where(isPageOf(scope, sourceId));
  return row ?? { total: 0, queued: 0, skipped: 0 };
}

/**
 * Jobs that visit pages of the project, and of the source among them, leaving out one's own. One whose page has ended
 * does not count, though its row is there until it is taken away: after a crash that is a while, and it plans nothing.
 */
export async function countVisits(
  db: Database,
  scope: ProjectScope,
  visits: { jobType: string; sourceId: string; exceptJobId: string },
): Promise<{ ofProject: number; ofSource: number }> {
  const isOfSource = sql`${jobs.payload}->>'sourceId' = ${visits.sourceId}`;
  const [row] = await db
    .select({
      ofProject: sql<number>`count(*)::int`,
      ofSource: sql<number>`(count(*) filter (where ${isOfSource}))::int`,
    })
    .from(jobs)
    .innerJoin(
      sourcePages,
      and(
        eq(sourcePages.projectId, jobs.projectId),
        eq(sourcePages.id, sql`(${jobs.payload}->>'pageId')::uuid`),
        eq(sourcePages.status, 'queued'),
      ),
    )
    .where(
      and(
        eq(jobs.projectId, scope.projectId),
        eq(jobs.type, visits.jobType),
        inArray(jobs.status, ['queued', 'running']),
        ne(jobs.id, visits.exceptJobId),
      ),
    );
  return row ?? { ofProject: 0, ofSource: 0 };
}

/**
 * The next pages of a source that wait and that no other job visits yet, nearest to the start first. `isOfDocuments`: of
 * those alone that searches find something of.
 */
export async function listFrontier(
  db: Database,
  scope: ProjectScope,
  frontier: {
    sourceId: string;
    jobKeyPrefix: string;
    exceptJobId: string;
    limit: number;
    isOfDocuments: boolean;
  },
): Promise<{ id: string; key: string }[]> {
  const job = db
    .select({ one: sql`1` })
    .from(jobs)
    .where(
      and(
        eq(jobs.dedupeKey, sql`${frontier.jobKeyPrefix}::text || ${sourcePages.id}`),
        ne(jobs.id, frontier.exceptJobId),
        inArray(jobs.status, ['queued', 'running']),
      ),
    );
  const document = db
    .select({ one: sql`1` })
    .from(documents)
    .where(
      and(
        eq(documents.projectId, sourcePages.projectId),
        eq(documents.sourceId, sourcePages.sourceId),
        eq(documents.key, sourcePages.key),
        gt(documents.liveVersion, 0),
      ),
    );
  return db
    .select({ id: sourcePages.id, key: sourcePages.key })
    .from(sourcePages)
    .where(
      and(
        isPageOf(scope, frontier.sourceId),
        eq(sourcePages.status, 'queued'),
        not(sql`exists ${job}`),
        frontier.isOfDocuments ? sql`exists ${document}` : undefined,
      ),
    )
    .orderBy(asc(sourcePages.depth), asc(sourcePages.id))
    .limit(frontier.limit);
}

/** Ends all pages that still wait, for one reason. @returns how many there were */
export async function endQueuedPages(
  db: Database,
  scope: ProjectScope,
  sourceId: string,
  end: { status: 'skipped' | 'failed'; reason: string; detail: string | null },
): Promise<number> {
  const rows = await db
    .update(sourcePages)
    .set({ ...end, ...(end.status === 'skipped' ? { textHash: null } : {}) })
    .where(and(isPageOf(scope, sourceId), eq(sourcePages.status, 'queued')))
    .returning({ id: sourcePages.id });
  return rows.length;
}

/**
 * Puts pages back on the frontier that were left out for another one which is not indexed after all. They are forced:
 * indexed, whatever they say.
 * @returns how many there were
 */
export async function requeueOrphans(
  db: Database,
  scope: ProjectScope,
  orphans: { sourceId: string; limit: number },
): Promise<number> {
  const result = await db.execute(sql`
    update source_pages set status = 'queued', is_forced = true, body_hash = null, etag = null, last_modified = null
    where project_id = ${scope.projectId} and id in (
      select page.id from source_pages page
      left join source_pages target
        on target.project_id = page.project_id and target.source_id = page.source_id and target.key = page.detail
      where page.project_id = ${scope.projectId} and page.source_id = ${orphans.sourceId}
        and page.status = 'skipped' and page.reason in ('canonical', 'duplicate_of')
        and (target.status is null or target.status not in ('indexed', 'unchanged'))
      order by page.depth, page.id
      limit ${orphans.limit}
    )`);
  return result.rowCount ?? 0;
}

/** Deletes the documents of a source that no page of it stands for any more. @returns how many there were */
export async function deleteUnlistedDocuments(
  db: Database,
  scope: ProjectScope,
  sourceId: string,
): Promise<number> {
  const page = db
    .select({ one: sql`1` })
    .from(sourcePages)
    .where(
      and(
        isPageOf(scope, sourceId),
        eq(sourcePages.key, documents.key),
        inArray(sourcePages.status, ['indexed', 'unchanged', 'failed']),
      ),
    );
  const rows = await db
    .delete(documents)
    .where(
      and(
        eq(documents.projectId, scope.projectId),
        eq(documents.sourceId, sourceId),
        not(sql`exists ${page}`),
      ),
    )
    .returning({ liveVersion: documents.liveVersion });
  if (rows.length > 0) await raiseIndexVersion(db, scope);
  return rows.filter(({ liveVersion }) => liveVersion > 0).length;
}

/** Whether searches find anything of the source; and why its first page has nothing, where it has not. */
export async function findSourceYield(
  db: Database,
  scope: ProjectScope,
  sourceId: string,
): Promise<{ documentCount: number; reason: string | null; detail: string | null }> {
  const documentCount = await db.$count(
    documents,
    and(
      eq(documents.projectId, scope.projectId),
      eq(documents.sourceId, sourceId),
      sql`${documents.liveVersion} > 0`,
    ),
  );
  const [first] = await db
    .select({ reason: sourcePages.reason, detail: sourcePages.detail })
    .from(sourcePages)
    .where(and(isPageOf(scope, sourceId), isNotNull(sourcePages.reason)))
    .orderBy(desc(eq(sourcePages.status, 'failed')), asc(sourcePages.depth), asc(sourcePages.id))
    .limit(1);
  return { documentCount, reason: first?.reason ?? null, detail: first?.detail ?? null };
}
