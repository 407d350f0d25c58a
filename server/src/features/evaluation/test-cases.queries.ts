import { and, count, desc, eq, exists, gt, inArray, lt, not, or, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import { messages } from '#db/schema/conversations.js';
import { testCases } from '#db/schema/evaluation.js';
import { sources } from '#db/schema/sources.js';
import { AppError } from '#kernel/app-error.js';
import { isId } from '#kernel/ids.js';
import type { Database } from '#platform/database.js';
import type { ProjectScope } from '#platform/scope.js';

export type TestCaseRow = typeof testCases.$inferSelect;

/** A statement takes 65,535 parameters at most. */
const ROWS_PER_INSERT = 1_000;

export async function countTestCases(db: Database, scope: ProjectScope, testSetId: string): Promise<number> {
  const [row] = await db.select({ value: count() }).from(testCases).where(isCaseOf(scope, testSetId));
  return row?.value ?? 0;
}

export async function insertTestCases(
  db: Database,
  rows: (typeof testCases.$inferInsert)[],
): Promise<TestCaseRow[]> {
  if (rows.length > ROWS_PER_INSERT) throw new Error('too many rows for one statement');
  return rows.length === 0 ? [] : db.insert(testCases).values(rows).returning();
}

/** Cases of a test set, newest first. */
export function listTestCases(
  db: Database,
  scope: ProjectScope,
  filter: { testSetId: string; beforeId: string | null; limit: number },
): Promise<TestCaseRow[]> {
  return db
    .select()
    .from(testCases)
    .where(
      and(
        isCaseOf(scope, filter.testSetId),
        filter.beforeId === null ? undefined : lt(testCases.id, filter.beforeId),
      ),
    )
    .orderBy(desc(testCases.id))
    .limit(filter.limit + 1);
}

/** Locks a case. @throws AppError `not_found` */
export async function lockTestCase(
  db: Database,
  scope: ProjectScope,
  where: { testSetId: string; caseId: string },
): Promise<TestCaseRow> {
  const { testSetId, caseId } = where;
  const [row] =
    isId(testSetId) && isId(caseId)
      ? await db
          .select()
          .from(testCases)
          .where(and(isCaseOf(scope, testSetId), eq(testCases.id, caseId)))
          .for('update')
      : [];
  if (row === undefined) throw new AppError('not_found', 'There is no such test case.');
  return row;
}

export async function updateTestCaseRow(
  db: Database,
  scope: ProjectScope,
  caseId: string,
  changes: Pick<TestCaseRow, 'question' | 'expectation' | 'expectedSourceId' | 'expectedText'>,
): Promise<TestCaseRow> {
  const [row] = await db
    .update(testCases)
    .set(changes)
    .where(and(eq(testCases.projectId, scope.projectId), eq(testCases.id, caseId)))
    .returning();
  if (row === undefined) throw new Error('a locked row is gone');
  return row;
}

export async function deleteTestCaseRow(db: Database, scope: ProjectScope, caseId: string): Promise<void> {
  await db.delete(testCases).where(and(eq(testCases.projectId, scope.projectId), eq(testCases.id, caseId)));
}

/** Sources of the project that have one of these ids or names. */
export function listNamedSources(
  db: Database,
  scope: ProjectScope,
  named: { ids: string[]; names: string[] },
): Promise<{ id: string; name: string }[]> {
  return db
    .select({ id: sources.id, name: sources.name })
    .from(sources)
    .where(
      and(
        eq(sources.projectId, scope.projectId),
        or(inArray(sources.id, named.ids), inArray(sources.name, named.names)),
      ),
    );
}

/** Questions whose answers were rated down and that the set does not have yet, oldest first. */
export function listDownratedQuestions(
  db: Database,
  scope: ProjectScope,
  filter: { testSetId: string; since: string | null; limit: number },
): Promise<{ messageId: string; question: string }[]> {
  const questions = alias(messages, 'questions');
  const between = alias(messages, 'between_both');
  const ratedAt = sql`(${messages.feedback} ->> 'createdAt')::timestamptz`;
  const isQuestionOf = (question: typeof questions | typeof between) =>
    and(
      eq(question.projectId, messages.projectId),
      eq(question.conversationId, messages.conversationId),
      eq(question.role, 'user'),
      lt(question.id, messages.id),
    );
  return db
    .select({ messageId: messages.id, question: questions.content })
    .from(messages)
    .innerJoin(questions, isQuestionOf(questions))
    .where(
      and(
        eq(messages.projectId, scope.projectId),
        eq(messages.role, 'assistant'),
        sql`${messages.feedback} ->> 'rating' = 'down'`,
        filter.since === null ? undefined : sql`${ratedAt} >= ${filter.since}::timestamptz`,
        // The last question before the answer.
        not(
          exists(
            db
              .select({ id: between.id })
              .from(between)
              .where(and(isQuestionOf(between), gt(between.id, questions.id))),
          ),
        ),
        not(
          exists(
            db
              .select({ id: testCases.id })
              .from(testCases)
              .where(
                and(
                  isCaseOf(scope, filter.testSetId),
                  or(eq(testCases.messageId, messages.id), eq(testCases.question, questions.content)),
                ),
              ),
          ),
        ),
      ),
    )
    .orderBy(messages.id)
    .limit(filter.limit);
}

function isCaseOf(scope: ProjectScope, testSetId: string) {
  return and(eq(testCases.projectId, scope.projectId), eq(testCases.testSetId, testSetId));
}
