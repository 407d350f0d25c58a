import type { Citation, Notice, Refusal } from '#db/schema/conversations.js';
import { ModelError } from '#kernel/model-error.js';
import type { Context } from '#platform/context.js';
import type { ChatModelEvent } from '#platform/ports/chat-model.js';
import type { ProjectScope } from '#platform/scope.js';
import { buildPrompt } from '#rag/build-prompt.js';
import { buildRAGContext } from '#rag/build-rag-context.js';
import { retrievePassages } from '#features/retrieval/retrieve-passages.js';
import { COST_CURRENCY, messageCost } from '#features/usage/message-cost.js';
import { type AnswerDraft, draftAnswer } from './draft-answer.js';
import { hasIndexingSources } from '#features/retrieval/has-indexing-sources.js';
import type { Turn } from './open-turn.js';
import { BUILTIN_MODEL, modelUnavailable, quoteAnswer, quoteSources } from './quote-sources.js';

/** Below this a passage is not about the question (retrieval.md: calibrated on BM25 over the sum of idf). */
const LEAST_SCORE = 0.4;
/** From this on the answer can be given without reserve. */
const CONFIDENT_SCORE = 0.6;
const CONTEXT_TOKENS = 3_000;
const MAX_OUTPUT_TOKENS = 1_200;
const MAX_SUGGESTIONS = 3;
const MAX_QUERY_LENGTH = 2_000;

/** How an answer ended, as it is stored. */
interface RAGResponse {
  status: 'complete' | 'incomplete';
  content: string;
  citations: Citation[];
  refusal: Refusal | null;
  notices: Notice[];
  confidence: 'high' | 'low' | null;
  model: string;
  inputTokens: number;
  outputTokens: number;
  cost: string;
  currency: string;
}

export type RAGEvent = { type: 'delta'; text: string } | { type: 'response'; response: RAGResponse };

type ResponseContext = Pick<
  Context,
  'db' | 'config' | 'embedder' | 'chatModel' | 'metrics' | 'log' | 'searchCache' | 'searchMemory'
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
  const query = turn.question.slice(0, MAX_QUERY_LENGTH);
  const { passages, relevance, isDegraded } = await retrievePassages(ctx, scope, { query }, signal);
  const notices = await noticesOf(ctx, scope, isDegraded);
  const refusalReason = reasonToRefuse(turn, relevance, notices);
  const model = modelOf(ctx, turn);
  if (refusalReason !== null) {
    yield* refuse(turn, { reason: refusalReason, notices, model });
    return;
  }
  const [first] = passages;
  if (first !== undefined && first.answerStart !== null) {
    const quoted = quoteAnswer({ ...first, answerStart: first.answerStart });
    yield { type: 'delta', text: quoted.content };
    yield { type: 'response', response: { ...BUILTIN_ANSWER, ...quoted, notices, confidence: 'high' } };
    return;
  }
  const context = buildRAGContext(passages, { maxTokens: CONTEXT_TOKENS });
  const language = passages[0]?.language ?? 'und';
  const stream = ctx.chatModel.stream(
    {
      model,
      messages: buildPrompt({
        projectName: turn.project.name,
        systemPrompt: turn.project.systemPrompt,
        language: 'und',
        passages: context.passages,
        history: turn.history,
        question: turn.question,
      }),
      question: turn.question,
      passages: context.passages,
      language,
      temperature: turn.project.temperature,
      maxOutputTokens: MAX_OUTPUT_TOKENS,
    },
    signal,
  );
  const draft = draftAnswer(context.passages, language);
  const end = yield* writeDraft(ctx, stream, draft, signal);
  const confidence = relevance >= CONFIDENT_SCORE ? 'high' : 'low';
  if (draft.content() === '' && !signal.aborted) {
    const quoted =
      end.failure !== null && turn.project.modelFallback === 'extractive'
        ? quoteSources(turn.question, context.passages, language)
        : null;
    if (end.failure !== null && quoted !== null) {
      yield { type: 'delta', text: quoted.content };
      const told = [...notices, modelUnavailable(end.failure.kind)];
      yield { type: 'response', response: { ...BUILTIN_ANSWER, ...quoted, notices: told, confidence } };
      return;
    }
    const reason = reasonForNothing(end);
    yield* refuse(turn, { reason, notices, model, ...end });
    return;
  }
  const { status, inputTokens, outputTokens } = end;
  yield {
    type: 'response',
    response: {
      status,
      content: draft.content(),
      citations: draft.citations(),
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

interface DraftEnd {
  status: 'complete' | 'incomplete';
  failure: ModelError | null;
  isBlocked: boolean;
  inputTokens: number;
  outputTokens: number;
}

/** Runs the model's stream through the draft. A failure before the first word is a complete, empty draft. */
async function* writeDraft(
  ctx: Pick<Context, 'log'>,
  stream: AsyncIterable<ChatModelEvent>,
  draft: AnswerDraft,
  signal: AbortSignal,
): AsyncGenerator<RAGEvent, DraftEnd> {
  const end: DraftEnd = {
    status: 'incomplete',
    failure: null,
    isBlocked: false,
    inputTokens: 0,
    outputTokens: 0,
  };
  try {
    for await (const event of stream) {
      if (event.type === 'finish') {
        end.status = event.reason === 'length' ? 'incomplete' : 'complete';
        end.isBlocked = event.reason === 'content_filter';
        end.inputTokens = event.usage.inputTokens ?? 0;
        end.outputTokens = event.usage.outputTokens ?? 0;
        continue;
      }
      const text = draft.push(event.text);
      if (text !== '') yield { type: 'delta', text };
    }
  } catch (error) {
    if (signal.aborted) end.status = 'incomplete';
    else if (error instanceof ModelError) end.failure = error;
    else throw error;
  }
  const rest = draft.end(end.status === 'complete');
  if (rest !== '') yield { type: 'delta', text: rest };
  if (end.failure !== null) {
    ctx.log.warn({ err: end.failure, kind: end.failure.kind }, 'the chat model failed');
    end.status = 'incomplete';
  }
  return end;
}

/** Why a model that ran wrote nothing: it found no answer, was not let, failed, or spent its tokens on thinking. */
function reasonForNothing(end: DraftEnd): Refusal['reason'] {
  if (end.isBlocked) return 'blocked';
  return end.failure === null && end.status === 'complete' ? 'no_match' : 'unavailable';
}

function reasonToRefuse(turn: Turn, relevance: number, notices: Notice[]): Refusal['reason'] | null {
  if (relevance < LEAST_SCORE) {
    return notices.some(({ code }) => code === 'still_indexing') ? 'still_indexing' : 'no_match';
  }
  return relevance < (turn.project.minScore ?? 0) ? 'low_confidence' : null;
}

function* refuse(
  turn: Turn,
  refusal: {
    reason: Refusal['reason'];
    notices: Notice[];
    model: string;
    inputTokens?: number;
    outputTokens?: number;
  },
): Generator<RAGEvent> {
  const { reason, notices, model, inputTokens = 0, outputTokens = 0 } = refusal;
  const content = turn.project.fallbackMessage;
  const suggestions = turn.project.suggestedQuestions.slice(0, MAX_SUGGESTIONS);
  yield { type: 'delta', text: content };
  yield {
    type: 'response',
    response: {
      status: 'complete',
      content,
      citations: [],
      refusal: { reason, suggestions },
      notices,
      confidence: null,
      model,
      ...costOf(model, inputTokens, outputTokens),
    },
  };
}

async function noticesOf(
  ctx: Pick<Context, 'db'>,
  scope: ProjectScope,
  isDegraded: boolean,
): Promise<Notice[]> {
  const notices: Notice[] = [];
  if (await hasIndexingSources(ctx, scope)) {
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
