import { type ProjectScope, mintProjectScope, systemCaller } from '#platform/scope.js';
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
  const { id: testSetId, name: testSetName } = await findTestSet(ctx.db, scope, input.testSetId);
  const newest = await listTestCases(ctx.db, scope, { testSetId, beforeId: null, limit: MAX_TEST_CASES });
  const results: Evaluation['results'] = [];
  for (const testCase of newest.toReversed()) {
    const result = await evaluateCase(ctx, scope, { testCase, settings: {} }, signal);
    results.push({ ...result, testCaseId: testCase.id, question: testCase.question });
  }
  return { testSetName, metrics: measureResults(results, null), results };
}
