import { eq, sql } from 'drizzle-orm';
import { creditGrants } from '#db/schema/billing.js';
import { documents } from '#db/schema/documents.js';
import { projects } from '#db/schema/projects.js';
import { sources } from '#db/schema/sources.js';
import type { Database } from '#platform/database.js';
import { executeAsOwner } from '#platform/row-security.js';
import type { ProjectScope } from '#platform/scope.js';

/** The account that pays for a project. Null: the project is gone. */
export async function findPayerOrNull(
  db: Database,
  scope: Pick<ProjectScope, 'projectId'>,
): Promise<string | null> {
  const [row] = await db
    .select({ ownerId: projects.ownerId })
    .from(projects)
    .where(eq(projects.id, scope.projectId));
  return row?.ownerId ?? null;
}

/** How many projects an account pays for. */
export async function countProjects(db: Database, userId: string): Promise<number> {
  const [row] = await executeAsOwner<{ count: number }>(
    db,
    sql`select count(*)::int as count from ${projects} where owner_id = ${userId}`,
  );
  return row?.count ?? 0;
}

export interface HeldPages {
  /** Documents that searches find something of, over all projects of the account. */
  visible: number;
  /** Sources that are to be read and have no such document yet: each has a place. */
  waiting: number;
  /** Of the visible ones, those of the source that was named. */
  ofSource: number;
  /** Both kinds, of the project that was named. */
  ofProject: number;
  /** Pages beyond those of the plan. */
  credits: number;
}

/** What an account holds of indexed pages now. It is counted and not kept: whatever is deleted gives room at once. */
export async function countHeldPages(
  db: Database,
  {
    userId,
    projectId,
    sourceId,
    now,
  }: { userId: string; projectId: string; sourceId: string | null; now: Date },
): Promise<HeldPages> {
  const [row] = await executeAsOwner<
    Record<keyof Omit<HeldPages, 'ofSource' | 'ofProject'>, number> & {
      of_source: number;
      of_project: number;
    }
  >(
    db,
    sql`
      with account as (select id from ${projects} where owner_id = ${userId}),
      visible as (
        select count(*) as count, count(*) filter (where project_id = ${projectId}) as of_project
        from ${documents} where project_id in (select id from account) and live_version > 0
      ), waiting as (
        select count(*) as count, count(*) filter (where project_id = ${projectId}) as of_project
        from ${sources} source
        where project_id in (select id from account) and status in ('queued', 'processing')
          and not exists (
            select from ${documents} document
            where document.project_id = source.project_id and document.source_id = source.id and live_version > 0
          )
      )
      select visible.count::int as visible, waiting.count::int as waiting,
        (visible.of_project + waiting.of_project)::int as of_project,
        (
          select count(*)::int from ${documents}
          where project_id = ${projectId} and source_id = ${sourceId}::uuid and live_version > 0
        ) as of_source,
        (
          select coalesce(sum(quantity - revoked), 0)::int from ${creditGrants}
          where user_id = ${userId} and kind = 'indexed_pages'
            and (expires_at is null or expires_at > ${now.toISOString()})
        ) as credits
      from visible, waiting`,
  );
  if (row === undefined) throw new Error('a count returned no row');
  const { visible, waiting, credits, of_source: ofSource, of_project: ofProject } = row;
  return { visible, waiting, ofSource, ofProject, credits };
}
