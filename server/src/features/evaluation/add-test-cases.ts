import { AppError, type FieldError } from '#kernel/app-error.js';
import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import {
  type TestCaseRow,
  countTestCases,
  insertTestCases,
  listDownratedQuestions,
  listNamedSources,
} from './test-cases.queries.js';
import { lockTestSet } from './test-sets.queries.js';
import { MAX_TEST_CASES, type TestCaseInput } from './test-sets.schemas.js';

type WriteContext = Pick<Context, 'db' | 'afterCommit'>;

/**
 * Adds cases to a test set, all or none.
 * @throws AppError `not_found`, `conflict` when the set has no room for them, `unusable_content` for a source that the
 * project does not have and for a refusal that names what is to be found
 */
export function addTestCases(
  ctx: WriteContext,
  scope: ProjectScope,
  input: { testSetId: string; cases: TestCaseInput[]; origin: 'manual' | 'csv' },
): Promise<TestCaseRow[]> {
  const { cases, origin } = input;
  return inProjectTransaction(ctx, scope, async (tx) => {
    const { id: testSetId } = await lockTestSet(tx.db, scope, input.testSetId);
    await refuseFaultyCases(tx, scope, cases);
    return insertCases(tx, scope, { testSetId, origin, cases: cases.map((entry) => ({ ...entry })) });
  });
}

/**
 * Takes the questions of answers that were rated down and are not in the set yet, as ones that are to be answered:
 * as many as there is room for, oldest first.
 * @throws AppError `not_found`
 */
export function addCasesFromFeedback(
  ctx: WriteContext,
  scope: ProjectScope,
  input: { testSetId: string; since: string | null },
): Promise<TestCaseRow[]> {
  return inProjectTransaction(ctx, scope, async (tx) => {
    const { id: testSetId } = await lockTestSet(tx.db, scope, input.testSetId);
    const limit = MAX_TEST_CASES - (await countTestCases(tx.db, scope, testSetId));
    const found = await listDownratedQuestions(tx.db, scope, { testSetId, since: input.since, limit });
    const byQuestion = new Map(found.map((entry) => [entry.question, entry]));
    const cases = [...byQuestion.values()].map((entry) => ({ ...entry, expectation: 'answer' as const }));
    return insertCases(tx, scope, { testSetId, origin: 'feedback', cases });
  });
}

/** @throws AppError `unusable_content`, with the place of each fault */
export async function refuseFaultyCases(
  tx: Pick<Context, 'db'>,
  scope: ProjectScope,
  cases: Pick<TestCaseInput, 'expectation' | 'expectedSourceId' | 'expectedText'>[],
): Promise<void> {
  const ids = cases.flatMap(({ expectedSourceId }) => expectedSourceId ?? []);
  const named = ids.length === 0 ? [] : await listNamedSources(tx.db, scope, { ids, names: [] });
  const known = new Set(named.map(({ id }) => id));
  const errors = cases.flatMap((entry, index): FieldError[] => {
    const path = `cases.${index}`;
    const { expectedSourceId = null, expectedText = null } = entry;
    if (expectedSourceId !== null && !known.has(expectedSourceId.toLowerCase())) {
      return [{ path: `${path}.expectedSourceId`, message: 'is no source of this project' }];
    }
    const isContradiction =
      entry.expectation === 'refuse' && (expectedSourceId !== null || expectedText !== null);
    return isContradiction ? [{ path, message: REFUSAL_FINDS_NOTHING }] : [];
  });
  const [first] = errors;
  if (first === undefined) return;
  throw new AppError('unusable_content', `Nothing was stored. ${first.path}: ${first.message}`, { errors });
}

const REFUSAL_FINDS_NOTHING =
  'a question that is to be refused has neither an expected source nor an expected text';

async function insertCases(
  tx: WriteContext,
  scope: ProjectScope,
  input: {
    testSetId: string;
    origin: TestCaseRow['origin'];
    cases: (TestCaseInput & { messageId?: string })[];
  },
): Promise<TestCaseRow[]> {
  const { testSetId, origin, cases } = input;
  const { projectId } = scope;
  const count = await countTestCases(tx.db, scope, testSetId);
  if (count + cases.length > MAX_TEST_CASES) {
    throw new AppError(
      'conflict',
      `A test set can have ${MAX_TEST_CASES} cases: it has ${count}, and these are ${cases.length}.`,
    );
  }
  const rows = cases.map((entry) => ({ ...entry, id: newId(), projectId, testSetId, origin }));
  const added = await insertTestCases(tx.db, rows);
  await recordAudit(tx, scope, {
    projectId,
    action: 'test_set.add_cases',
    resourceType: 'test_set',
    resourceId: testSetId,
    changes: { added: added.length, origin },
  });
  return added;
}
