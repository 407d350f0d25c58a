import type { z } from 'zod';
import type { CaseResult } from './evaluate-case.js';
import type { ResultRow, RunRow } from './runs.queries.js';
import type { caseResultSchema, runSchema } from './runs.schemas.js';

type PresentedRun = z.infer<typeof runSchema>;

export function presentRun(row: RunRow): PresentedRun {
  const { id, projectId, testSetId, status, variants, done, total, error } = row;
  const metrics = row.metrics as PresentedRun['metrics'];
  const createdAt = row.createdAt.toISOString();
  const updatedAt = row.updatedAt.toISOString();
  const progress = { done, total };
  return { id, projectId, testSetId, status, variants, progress, metrics, error, createdAt, updatedAt };
}

/** One case with what it gave under each variant, side by side. @param rows of that case, by variant */
export function presentCaseResult(
  { id, isDifferent }: { id: string; isDifferent: boolean },
  rows: ResultRow[],
): z.infer<typeof caseResultSchema> {
  const outcomes = rows.map(({ result }) => result as unknown as CaseResult);
  const [first] = outcomes;
  if (first === undefined) throw new Error('a case without results was listed');
  const { expectation, expectedSourceId, expectedText } = first;
  const question = rows[0]?.question ?? '';
  return { testCaseId: id, question, expectation, expectedSourceId, expectedText, isDifferent, outcomes };
}
