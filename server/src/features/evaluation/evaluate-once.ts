import { type ProjectScope, mintProjectScope, systemCaller } from '#platform/scope.js';
import { readInProject } from '#platform/transaction.js';
import type { AnswerContext } from '#features/chat/answer-question.js';
import { type CaseResult, evaluateCase } from './evaluate-case.js';
import { type EvaluationMetrics, measureResults } from './measure-results.js';
import { listTestCases } from './test-cases.queries.js';
import { findTestSet } from './test-sets.queries.js';
import { MAX_TEST_CASES } from './test-sets.schemas.js';

export interface Evaluation {
  testSetName: string;
  metrics: EvaluationMetrics;
  results: (CaseResult & { testCaseId: string; question: string })[];
}

/**
 * Asks all questions of a test set under the project's own settings, at once and for the operator: nothing is stored.
 * @throws AppError `not_found`; the reason of `signal`
 */
export async function evaluateOnce(
  ctx: AnswerContext,
  input: { projectId: string; testSetId: string },
  signal: AbortSignal,
): Promise<Evaluation> {
  const scope: ProjectScope = mintProjectScope(systemCaller, input.projectId, null);
  const { testSetName, newest } = await readInProject(ctx, scope, async (tx) => {
    const { id: testSetId, name } = await findTestSet(tx.db, scope, input.testSetId);
    const page = { testSetId, beforeId: null, limit: MAX_TEST_CASES };
    return { testSetName: name, newest: await listTestCases(tx.db, scope, page) };
  });
  const results: Evaluation['results'] = [];
  for (const testCase of newest.toReversed()) {
    const result = await evaluateCase(ctx, scope, { testCase, settings: {} }, signal);
    results.push({ ...result, testCaseId: testCase.id, question: testCase.question });
  }
  return { testSetName, metrics: measureResults(results, null), results };
}
