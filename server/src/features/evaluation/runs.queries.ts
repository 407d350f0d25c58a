import { and, asc, count, desc, eq, getTableColumns, inArray, lt, lte, notExists, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import { evaluationResults, evaluationRuns, testCases } from '#db/schema/evaluation.js';
import { AppError } from '#kernel/app-error.js';
import { isId } from '#kernel/ids.js';
import type { Database } from '#platform/database.js';
import type { ProjectScope } from '#platform/scope.js';

export type RunRow = typeof evaluationRuns.$inferSelect;
export type ResultRow = typeof evaluationResults.$inferSelect;
type CaseRow = typeof testCases.$inferSelect;

export async function insertRun(db: Database, run: typeof evaluationRuns.$inferInsert): Promise<RunRow> {
  const [row] = await db.insert(evaluationRuns).values(run).returning();
  if (row === undefined) throw new Error('insert returned no row');
  return row;
}

export async function countUnfinishedRuns(db: Database, scope: ProjectScope): Promise<number> {
  const [row] = await db
    .select({ value: count() })
    .from(evaluationRuns)
    .where(
      and(
        eq(evaluationRuns.projectId, scope.projectId),
        inArray(evaluationRuns.status, ['queued', 'running']),
      ),
    );
  return row?.value ?? 0;
}

/** Runs of a test set, newest first. */
export function listRuns(
  db: Database,
  scope: ProjectScope,
  filter: { testSetId: string; beforeId: string | null; limit: number },
): Promise<RunRow[]> {
  return db
    .select()
    .from(evaluationRuns)
    .where(
      and(
        eq(evaluationRuns.projectId, scope.projectId),
        eq(evaluationRuns.testSetId, filter.testSetId),
        filter.beforeId === null ? undefined : lt(evaluationRuns.id, filter.beforeId),
      ),
    )
    .orderBy(desc(evaluationRuns.id))
    .limit(filter.limit + 1);
}

/** @throws AppError `not_found` */
export async function findRun(
  db: Database,
  scope: ProjectScope,
  where: { testSetId: string; runId: string },
): Promise<RunRow> {
  const { testSetId, runId } = where;
  const [row] =
    isId(testSetId) && isId(runId)
      ? await db
          .select()
          .from(evaluationRuns)
          .where(and(isRun(scope, runId), eq(evaluationRuns.testSetId, testSetId)))
      : [];
  if (row === undefined) throw new AppError('not_found', 'There is no such run.');
  return row;
}

export async function findRunOrNull(
  db: Database,
  scope: ProjectScope,
  runId: string,
): Promise<RunRow | null> {
  const [row] = await db.select().from(evaluationRuns).where(isRun(scope, runId));
  return row ?? null;
}

/** @returns null when the run is gone */
export async function updateRun(
  db: Database,
  scope: ProjectScope,
  runId: string,
  changes: Partial<Pick<RunRow, 'status' | 'total' | 'metrics' | 'error'>> & { addDone?: number },
): Promise<RunRow | null> {
  const { addDone = 0, ...set } = changes;
  const [row] = await db
    .update(evaluationRuns)
    .set({ ...set, done: sql`${evaluationRuns.done} + ${addDone}` })
    .where(isRun(scope, runId))
    .returning();
  return row ?? null;
}

/** @returns false when there is none */
export async function deleteRunRow(db: Database, scope: ProjectScope, runId: string): Promise<boolean> {
  const rows = await db
    .delete(evaluationRuns)
    .where(isRun(scope, runId))
    .returning({ id: evaluationRuns.id });
  return rows.length > 0;
}

/** The next case that the set had when the run was started and that has no result yet. */
export async function findPendingCaseOrNull(
  db: Database,
  scope: ProjectScope,
  runId: string,
): Promise<CaseRow | null> {
  const [row] = await db
    .select(getTableColumns(testCases))
    .from(testCases)
    .innerJoin(
      evaluationRuns,
      and(
        eq(evaluationRuns.projectId, testCases.projectId),
        eq(evaluationRuns.testSetId, testCases.testSetId),
      ),
    )
    .where(
      and(
        isRun(scope, runId),
        lte(testCases.createdAt, evaluationRuns.createdAt),
        notExists(
          db
            .select({ id: evaluationResults.id })
            .from(evaluationResults)
            .where(and(isResultOf(scope, runId), eq(evaluationResults.testCaseId, testCases.id))),
        ),
      ),
    )
    .orderBy(asc(testCases.id))
    .limit(1);
  return row ?? null;
}

export async function insertResults(
  db: Database,
  rows: (typeof evaluationResults.$inferInsert)[],
): Promise<void> {
  await db.insert(evaluationResults).values(rows);
}

/** The results of a run without their texts. */
export async function listMeasuredResults(
  db: Database,
  scope: ProjectScope,
  runId: string,
): Promise<{ testCaseId: string; variant: number; result: Record<string, unknown> }[]> {
  const { testCaseId, variant, result } = getTableColumns(evaluationResults);
  const withoutTexts = sql<Record<string, unknown>>`${result} - '{content,citations,passages}'::text[]`;
  return db
    .select({ testCaseId, variant, result: withoutTexts })
    .from(evaluationResults)
    .where(isResultOf(scope, runId))
    .orderBy(asc(testCaseId));
}

/** Cases of a run that have results, newest first; with `isDifferent` those that came out one way or the other. */
export async function listEvaluatedCases(
  db: Database,
  scope: ProjectScope,
  filter: { runId: string; isDifferent: boolean; beforeId: string | null; limit: number },
): Promise<{ id: string; isDifferent: boolean }[]> {
  const other = alias(evaluationResults, 'other');
  const outcome = (table: typeof evaluationResults | typeof other) =>
    sql`(${table.result} ->> 'outcome', ${table.result} ->> 'isPassed')`;
  const isDifferent = sql<boolean>`(${other.id} is not null and ${outcome(evaluationResults)} is distinct from ${outcome(other)})`;
  return db
    .select({ id: evaluationResults.testCaseId, isDifferent })
    .from(evaluationResults)
    .leftJoin(
      other,
      and(
        eq(other.projectId, evaluationResults.projectId),
        eq(other.runId, evaluationResults.runId),
        eq(other.testCaseId, evaluationResults.testCaseId),
        eq(other.variant, 1),
      ),
    )
    .where(
      and(
        isResultOf(scope, filter.runId),
        eq(evaluationResults.variant, 0),
        filter.isDifferent ? isDifferent : undefined,
        filter.beforeId === null ? undefined : lt(evaluationResults.testCaseId, filter.beforeId),
      ),
    )
    .orderBy(desc(evaluationResults.testCaseId))
    .limit(filter.limit + 1);
}

/** All results of these cases. */
export function listResultsOfCases(
  db: Database,
  scope: ProjectScope,
  filter: { runId: string; caseIds: string[] },
): Promise<ResultRow[]> {
  return db
    .select()
    .from(evaluationResults)
    .where(and(isResultOf(scope, filter.runId), inArray(evaluationResults.testCaseId, filter.caseIds)))
    .orderBy(asc(evaluationResults.variant));
}

function isRun(scope: ProjectScope, runId: string) {
  return and(eq(evaluationRuns.projectId, scope.projectId), eq(evaluationRuns.id, runId));
}

function isResultOf(scope: ProjectScope, runId: string) {
  return and(eq(evaluationResults.projectId, scope.projectId), eq(evaluationResults.runId, runId));
}
