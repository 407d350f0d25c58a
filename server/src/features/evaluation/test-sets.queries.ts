import { and, count, desc, eq, getTableColumns, lt } from 'drizzle-orm';
import { testCases, testSets } from '#db/schema/evaluation.js';
import { projects } from '#db/schema/projects.js';
import { AppError } from '#kernel/app-error.js';
import { isId } from '#kernel/ids.js';
import type { Database } from '#platform/database.js';
import type { ProjectScope } from '#platform/scope.js';

export type TestSetRow = typeof testSets.$inferSelect;
export type TestSetWithCount = TestSetRow & { caseCount: number };

const withCaseCount = { ...getTableColumns(testSets), caseCount: count(testCases.id) };
const isCaseOfSet = and(eq(testCases.projectId, testSets.projectId), eq(testCases.testSetId, testSets.id));

/** Locks the project against others who count what it has. */
export async function lockProject(db: Database, scope: ProjectScope): Promise<void> {
  await db
    .select({ id: projects.id })
    .from(projects)
    .where(eq(projects.id, scope.projectId))
    .for('no key update');
}

export async function countTestSets(db: Database, scope: ProjectScope): Promise<number> {
  const [row] = await db
    .select({ value: count() })
    .from(testSets)
    .where(eq(testSets.projectId, scope.projectId));
  return row?.value ?? 0;
}

export async function insertTestSet(
  db: Database,
  testSet: typeof testSets.$inferInsert,
): Promise<TestSetWithCount> {
  const [row] = await db.insert(testSets).values(testSet).returning();
  if (row === undefined) throw new Error('insert returned no row');
  return { ...row, caseCount: 0 };
}

/** Test sets, newest first. */
export function listTestSets(
  db: Database,
  scope: ProjectScope,
  filter: { beforeId: string | null; limit: number },
): Promise<TestSetWithCount[]> {
  return db
    .select(withCaseCount)
    .from(testSets)
    .leftJoin(testCases, isCaseOfSet)
    .where(
      and(
        eq(testSets.projectId, scope.projectId),
        filter.beforeId === null ? undefined : lt(testSets.id, filter.beforeId),
      ),
    )
    .groupBy(testSets.id)
    .orderBy(desc(testSets.id))
    .limit(filter.limit + 1);
}

/** @throws AppError `not_found` */
export async function findTestSet(
  db: Database,
  scope: ProjectScope,
  testSetId: string,
): Promise<TestSetWithCount> {
  const [row] = isId(testSetId)
    ? await db
        .select(withCaseCount)
        .from(testSets)
        .leftJoin(testCases, isCaseOfSet)
        .where(isTestSet(scope, testSetId))
        .groupBy(testSets.id)
    : [];
  return row ?? throwNotFound();
}

/** Locks a test set, so that its cases are counted and added by one at a time. @throws AppError `not_found` */
export async function lockTestSet(db: Database, scope: ProjectScope, testSetId: string): Promise<TestSetRow> {
  const [row] = isId(testSetId)
    ? await db.select().from(testSets).where(isTestSet(scope, testSetId)).for('update')
    : [];
  return row ?? throwNotFound();
}

export async function updateTestSetRow(
  db: Database,
  scope: ProjectScope,
  testSetId: string,
  changes: Pick<TestSetRow, 'name'>,
): Promise<void> {
  await db.update(testSets).set(changes).where(isTestSet(scope, testSetId));
}

export async function deleteTestSetRow(db: Database, scope: ProjectScope, testSetId: string): Promise<void> {
  await db.delete(testSets).where(isTestSet(scope, testSetId));
}

function isTestSet(scope: ProjectScope, testSetId: string) {
  return and(eq(testSets.projectId, scope.projectId), eq(testSets.id, testSetId));
}

function throwNotFound(): never {
  throw new AppError('not_found', 'There is no such test set.');
}
