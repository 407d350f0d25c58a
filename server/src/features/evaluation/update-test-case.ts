import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { changedFields } from '#features/audit/changed-fields.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { refuseFaultyCases } from './add-test-cases.js';
import { type TestCaseRow, lockTestCase, updateTestCaseRow } from './test-cases.queries.js';
import type { UpdateTestCaseInput } from './test-sets.schemas.js';

const FIELDS = ['question', 'expectation', 'expectedSourceId', 'expectedText'] as const;

/** @throws AppError `not_found`; `unusable_content` as `addTestCases` does */
export function updateTestCase(
  ctx: Pick<Context, 'db' | 'afterCommit'>,
  scope: ProjectScope,
  where: { testSetId: string; caseId: string },
  input: UpdateTestCaseInput,
): Promise<TestCaseRow> {
  return inProjectTransaction(ctx, scope, async (tx) => {
    const before = await lockTestCase(tx.db, scope, where);
    const changed = {
      question: input.question ?? before.question,
      expectation: input.expectation ?? before.expectation,
      expectedSourceId:
        input.expectedSourceId === undefined ? before.expectedSourceId : input.expectedSourceId,
      expectedText: input.expectedText === undefined ? before.expectedText : input.expectedText,
    };
    // A source that is gone by now may stay as it was.
    const isSameSource = changed.expectedSourceId === before.expectedSourceId;
    const checked = isSameSource && changed.expectation === 'answer' ? { expectedSourceId: null } : {};
    await refuseFaultyCases(tx, scope, [{ ...changed, ...checked }]);
    const after = await updateTestCaseRow(tx.db, scope, before.id, changed);
    await recordAudit(tx, scope, {
      projectId: scope.projectId,
      action: 'test_case.update',
      resourceType: 'test_case',
      resourceId: before.id,
      changes: changesOf(before, after),
    });
    return after;
  });
}

/** Questions may be those of visitors, word for word: of texts only the length is told. */
function changesOf(before: TestCaseRow, after: TestCaseRow): Record<string, unknown> {
  const changed = changedFields(before, after, FIELDS);
  const lengths = (['question', 'expectedText'] as const).filter((name) => name in changed);
  return {
    ...changed,
    ...Object.fromEntries(
      lengths.map((name) => [name, { before: lengthOf(before[name]), after: lengthOf(after[name]) }]),
    ),
  };
}

function lengthOf(text: string | null): string | null {
  return text === null ? null : `${text.length} characters`;
}
