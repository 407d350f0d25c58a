import type { Citation } from '#db/schema/conversations.js';
import type { ProjectScope } from '#platform/scope.js';
import { type AnswerContext, answerQuestion } from '#features/chat/answer-question.js';
import type { AnswerSettings } from '#features/chat/answer-settings.js';
import { recallTurn } from '#features/chat/recall-turn.js';
import { type Expected, holdsExpected, isAnyExpected, quotesExpected } from './expected.js';
import type { TestCaseRow } from './test-cases.queries.js';

/** What one case gave under one variant, as it is stored. */
export interface CaseResult extends Expected {
  /** `failed`: the model did not answer, which says nothing of the settings. */
  outcome: 'answered' | 'refused' | 'failed';
  refusalReason: string | null;
  /** Refused where that was expected; else answered, with a citation of what was expected where that is said. */
  isPassed: boolean;
  /** From 1: the first passage found that is expected; null: none is, or none was expected. */
  rank: number | null;
  citationCount: number;
  expectedCitationCount: number;
  content: string;
  citations: Citation[];
  passages: FoundPassage[];
  confidence: 'high' | 'low' | null;
  model: string;
  inputTokens: number;
  outputTokens: number;
  cost: string;
  currency: string;
  latencyMs: number;
}

interface FoundPassage {
  chunkId: string;
  documentId: string;
  sourceId: string;
  title: string;
  score: number;
  isExpected: boolean;
}

/** Asks a case's question under a variant's settings, and looks whether what comes is what was expected. */
export async function evaluateCase(
  ctx: AnswerContext,
  scope: ProjectScope,
  input: { testCase: TestCaseRow; settings: AnswerSettings },
  signal: AbortSignal,
): Promise<CaseResult> {
  const { testCase, settings } = input;
  const { question, expectation, expectedSourceId, expectedText } = testCase;
  const expected: Expected = { expectation, expectedSourceId, expectedText };
  const history = await historyOf(ctx, scope, testCase);
  const answer = await answerQuestion(ctx, scope, { question, history, settings }, signal);
  const { response, latencyMs } = answer;
  const passages = answer.passages.map((passage): FoundPassage => {
    const { chunkId, documentId, sourceId, title, score } = passage;
    return { chunkId, documentId, sourceId, title, score, isExpected: holdsExpected(expected, passage) };
  });
  const { citations, refusal, confidence, model, content } = response;
  const expectedCitationCount = citations.filter((citation) => quotesExpected(expected, citation)).length;
  const found = passages.findIndex(({ isExpected }) => isExpected);
  const outcome = outcomeOf(response);
  const isAnswerRight = !isAnyExpected(expected) || expectedCitationCount > 0;
  return {
    ...expected,
    outcome,
    refusalReason: refusal?.reason ?? null,
    isPassed: expectation === 'refuse' ? outcome === 'refused' : outcome === 'answered' && isAnswerRight,
    rank: found < 0 ? null : found + 1,
    citationCount: citations.length,
    expectedCitationCount,
    content,
    citations,
    passages,
    confidence,
    model,
    inputTokens: response.inputTokens,
    outputTokens: response.outputTokens,
    cost: response.cost,
    currency: response.currency,
    latencyMs,
  };
}

/** What had been said before the answer that was rated down, as long as its conversation is kept. */
async function historyOf(ctx: AnswerContext, scope: ProjectScope, { messageId }: TestCaseRow) {
  if (messageId === null) return [];
  const turn = await recallTurn(ctx, scope, messageId);
  return turn?.history ?? [];
}

/** An answer that the built-in model gave in place of one that failed is none of the model's. */
function outcomeOf({
  refusal,
  notices,
}: Awaited<ReturnType<typeof answerQuestion>>['response']): CaseResult['outcome'] {
  const isFailed =
    refusal?.reason === 'unavailable' || notices.some(({ code }) => code === 'model_unavailable');
  if (isFailed) return 'failed';
  return refusal === null ? 'answered' : 'refused';
}
