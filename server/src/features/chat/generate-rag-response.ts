import type { AnswerSentence, Citation, Notice, Refusal } from '#db/schema/conversations.js';
import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { buildPrompt } from '#rag/build-prompt.js';
import { buildRAGContext } from '#rag/build-rag-context.js';
import { startThinkingTime } from '#features/retrieval/ask-model.js';
import { type Passage, retrievePassages } from '#features/retrieval/retrieve-passages.js';
import { BUILTIN_MODEL } from '#features/usage/charge-rule.js';
import { COST_CURRENCY, messageCost } from '#features/usage/message-cost.js';
import { decideRefusal, reasonForNothing, relevanceThreshold } from './decide-refusal.js';
import { draftAnswer } from './draft-answer.js';
import { draftRulesOf } from './draft-rules.js';
import { hasIndexingSources } from '#features/retrieval/has-indexing-sources.js';
import { noticeDifferences } from './notice-differences.js';
import type { Turn } from './open-turn.js';
import { modelUnavailable, quoteAnswer, quoteSources } from './quote-sources.js';
import { screenInstructions } from './screen-instructions.js';
import { suggestQuestions } from './suggest-questions.js';
import type { MessageTrace } from './trace.schemas.js';
import { type TurnRecord, startRecord, timedStep, traceOf } from './turn-record.js';
import { understandQuestion } from './understand-question.js';
import { writeDraft } from './write-draft.js';

/** From this on the answer can be given without reserve. */
const CONFIDENT_SCORE = 0.6;
const CONTEXT_TOKENS = 3_000;
const MAX_OUTPUT_TOKENS = 1_200;
/** For each passage that goes into a prompt so many are offered: those that say the same take no place. */
const OFFERED = 3;
const MOST_OFFERED = 50;

/** How an answer ended, as it is stored. */
export interface RAGResponse {
  status: 'complete' | 'incomplete';
  content: string;
  citations: Citation[];
  sentences: AnswerSentence[] | null;
  refusal: Refusal | null;
  notices: Notice[];
  confidence: 'high' | 'low' | null;
  model: string;
  inputTokens: number;
  outputTokens: number;
  cost: string;
  currency: string;
}

/** With what helped to find the answer, and how it came about. */
type TracedResponse = RAGResponse & { trace: MessageTrace };

type ResponseEvent = { type: 'delta'; text: string } | { type: 'response'; response: RAGResponse };

export type RAGEvent =
  | { type: 'delta'; text: string }
  | {
      type: 'response';
      response: TracedResponse;
      /** What was found, best first, whether it came to be shown to the model or not. */
      passages: readonly Readonly<Passage>[];
    };

type ResponseContext = Pick<
  Context,
  'db' | 'config' | 'embedder' | 'chatModel' | 'reranker' | 'metrics' | 'log' | 'searchCache' | 'searchMemory'
>;

/**
 * Answers a question from a project's sources: finds passages, lets the model write, and checks every marker as it
 * streams. Yields what may be shown, then one `response`. Nothing found gives a refusal; a model that fails before
 * its first word gives what the sources say themselves or the refusal `unavailable`, as the project wants it; one
 * that fails later, or `signal`, an incomplete answer with the citations that hold.
 */
export async function* generateRAGResponse(
  ctx: ResponseContext,
  scope: ProjectScope,
  turn: Turn,
  signal: AbortSignal,
): AsyncGenerator<RAGEvent> {
  const record = startRecord();
  for await (const event of respond(ctx, scope, turn, record, signal)) {
    if (event.type === 'delta') yield event;
    else {
      const passages = record.found?.passages ?? [];
      yield { ...event, response: traced(event.response, turn, record), passages };
    }
  }
}

function traced(response: RAGResponse, turn: Turn, record: TurnRecord): TracedResponse {
  const trace = traceOf(record, response, {
    relevance: record.found?.relevance ?? 0,
    leastScore: relevanceThreshold(turn.project),
    confidentScore: CONFIDENT_SCORE,
    minScore: turn.project.minScore,
    outcome: response.refusal?.reason ?? response.confidence ?? response.status,
  });
  return { ...response, ...trace.usage.total, trace };
}

async function* respond(
  ctx: ResponseContext,
  scope: ProjectScope,
  turn: Turn,
  record: TurnRecord,
  signal: AbortSignal,
): AsyncGenerator<ResponseEvent> {
  const thinking = startThinkingTime();
  const understood = await timedStep(record, 'rewrite', () =>
    understandQuestion(ctx, { turn, record, thinking }, signal),
  );
  const { project } = turn;
  const { topK, retrieval: mode, retrievalOptions: options } = project;
  const search = { ...understood.search, topK: Math.min(MOST_OFFERED, topK * OFFERED), mode, options };
  const found = await timedStep(record, 'retrieve', () =>
    retrievePassages(ctx, scope, search, signal, thinking),
  );
  record.calls.push(...found.calls);
  const isIndexing = await hasIndexingSources(ctx, scope);
  const screened = screenInstructions(ctx, scope, { project, found });
  const { passages, relevance } = screened;
  record.found = { ...found, passages, relevance };
  record.instructionChunkIds = screened.instructionChunkIds;
  const notices = noticesOf(isIndexing, found.isDegraded, screened.notice);
  const refusalReason = decideRefusal(project, { relevance, isIndexing });
  const model = modelOf(ctx, turn);
  if (refusalReason !== null) {
    yield* refuse(ctx, scope, { turn, passages, reason: refusalReason, notices, model }, signal);
    return;
  }
  const [first] = passages;
  if (first !== undefined && first.answerStart !== null) {
    const quoted = quoteAnswer({ ...first, answerStart: first.answerStart });
    yield { type: 'delta', text: quoted.content };
    yield { type: 'response', response: { ...BUILTIN_ANSWER, ...quoted, notices, confidence: 'high' } };
    return;
  }
  const context = buildRAGContext(passages, { maxTokens: CONTEXT_TOKENS, maxPassages: topK });
  record.context = context.passages;
  const question = understood.questionFor(context.passages);
  notices.push(...noticeDifferences(question, context.passages));
  const language = passages[0]?.language ?? 'und';
  const messages = buildPrompt({
    projectName: turn.project.name,
    systemPrompt: turn.project.systemPrompt,
    language: 'und',
    passages: context.passages,
    history: turn.history,
    question: turn.question,
  });
  record.messages = messages;
  const stream = ctx.chatModel.stream(
    {
      model,
      messages,
      question,
      passages: context.passages,
      language,
      temperature: turn.project.temperature,
      maxOutputTokens: MAX_OUTPUT_TOKENS,
    },
    signal,
  );
  const rules = draftRulesOf(ctx, project);
  const draft = draftAnswer(context.passages, language, rules);
  const end = yield* writeDraft(ctx, stream, draft, record, signal);
  const confidence = relevance >= CONFIDENT_SCORE ? 'high' : 'low';
  if (draft.content() === '' && !signal.aborted) {
    const quoted =
      end.failure !== null && turn.project.modelFallback === 'extractive'
        ? quoteSources(question, context.passages, language, rules)
        : null;
    if (end.failure !== null && quoted !== null) {
      yield { type: 'delta', text: quoted.content };
      const told = [...notices, modelUnavailable(end.failure.kind)];
      yield { type: 'response', response: { ...BUILTIN_ANSWER, ...quoted, notices: told, confidence } };
      return;
    }
    const hasFailed = end.failure !== null;
    const isComplete = end.status === 'complete';
    const reason = reasonForNothing({ isBlocked: end.isBlocked, hasFailed, isComplete, isIndexing });
    yield* refuse(ctx, scope, { turn, passages, reason, notices, model, ...end }, signal);
    return;
  }
  const { status, inputTokens, outputTokens } = end;
  yield {
    type: 'response',
    response: {
      status,
      content: draft.content(),
      citations: draft.citations(),
      sentences: draft.sentences(),
      refusal: null,
      notices,
      confidence,
      model,
      ...costOf(model, inputTokens, outputTokens),
    },
  };
}

const BUILTIN_ANSWER = {
  status: 'complete' as const,
  refusal: null,
  model: BUILTIN_MODEL,
  inputTokens: 0,
  outputTokens: 0,
  cost: '0',
  currency: COST_CURRENCY,
};

async function* refuse(
  ctx: ResponseContext,
  scope: ProjectScope,
  refusal: {
    turn: Turn;
    passages: readonly Readonly<Passage>[];
    reason: Refusal['reason'];
    notices: Notice[];
    model: string;
    inputTokens?: number;
    outputTokens?: number;
  },
  signal: AbortSignal,
): AsyncGenerator<ResponseEvent> {
  const { turn, passages, reason, notices, model, inputTokens = 0, outputTokens = 0 } = refusal;
  const { project, question } = turn;
  const content = project.fallbackMessage;
  yield { type: 'delta', text: content };
  const suggestions = await suggestQuestions(ctx, scope, { project, question, passages, reason }, signal);
  yield {
    type: 'response',
    response: {
      status: 'complete',
      content,
      citations: [],
      sentences: null,
      refusal: { reason, suggestions },
      notices,
      confidence: null,
      model,
      ...costOf(model, inputTokens, outputTokens),
    },
  };
}

function noticesOf(isIndexing: boolean, isDegraded: boolean, instructions: Notice | null): Notice[] {
  const notices: Notice[] = instructions === null ? [] : [instructions];
  if (isIndexing) {
    notices.push({
      code: 'still_indexing',
      message: 'Some sources are still being indexed: the answer may get better in a moment.',
    });
  }
  if (isDegraded) {
    notices.push({
      code: 'lexical_only',
      message: 'The embedding model could not be reached: the passages were found by their words alone.',
    });
  }
  return notices;
}

function modelOf(ctx: Pick<Context, 'chatModel'>, turn: Turn): string {
  const { project, tier } = turn;
  const defaults = ctx.chatModel.defaultModels;
  if (ctx.chatModel.isBuiltin) return defaults[tier];
  return (tier === 'mini' ? project.modelMini : project.modelPremium) ?? defaults[tier];
}

function costOf(model: string, inputTokens: number, outputTokens: number) {
  return {
    inputTokens,
    outputTokens,
    cost: messageCost(model, inputTokens, outputTokens),
    currency: COST_CURRENCY,
  };
}
