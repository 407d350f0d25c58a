import type { Context } from '#platform/context.js';
import { readOrder, rerankPrompt } from '#rag/understanding-prompts.js';
import { type ModelCall, type ThinkingTime, askModel, callTimeMs, failureOf } from './ask-model.js';
import type { ChunkWithDocument } from './retrieval.queries.js';
import type { Search } from './search-key.js';

export interface Reranking {
  by: 'endpoint' | 'model';
  /** Best first: places among the candidates, and the endpoint's own score. Null: the order stays as it was. */
  order: { place: number; score: number | null }[] | null;
  call: ModelCall | null;
  /** Why it was not done: nobody is configured to do it. */
  skipped: 'no_endpoint' | 'no_model' | null;
}

/** How many candidates are looked at: an endpoint reads them one by one, a model all in one prompt. */
export const RERANK_DEPTH = { endpoint: 50, model: 20 };
const DOCUMENT_CHARACTERS = 4_000;

/** Asks for a better order of the candidates. Whatever fails leaves them as they are, and is told. @throws the reason of `signal` */
export async function rerankPassages(
  ctx: Pick<Context, 'chatModel' | 'reranker' | 'log'>,
  {
    search,
    by,
    candidates,
  }: { search: Search; by: Reranking['by']; candidates: readonly ChunkWithDocument[] },
  thinking: ThinkingTime,
  signal: AbortSignal,
): Promise<Reranking> {
  const asked = { query: search.query, candidates };
  if (by === 'model') return rerankByModel(ctx, { ...asked, model: search.model }, thinking, signal);
  return rerankByEndpoint(ctx, asked, thinking, signal);
}

async function rerankByModel(
  ctx: Pick<Context, 'chatModel' | 'log'>,
  asked: { query: string; candidates: readonly ChunkWithDocument[]; model: string | null },
  thinking: ThinkingTime,
  signal: AbortSignal,
): Promise<Reranking> {
  const { query, candidates, model } = asked;
  const by = 'model';
  if (model === null) return { by, order: null, call: null, skipped: 'no_model' };
  const prompt = rerankPrompt(query, candidates);
  const { text, call } = await askModel(ctx, { step: 'rerank', model, ...prompt }, thinking, signal);
  if (text === null) return { by, order: null, call, skipped: null };
  const order = readOrder(text, candidates.length).map((place) => ({ place, score: null }));
  if (order.length > 0) return { by, order, call, skipped: null };
  return { by, order: null, call: { ...call, failure: 'unusable' }, skipped: null };
}

async function rerankByEndpoint(
  ctx: Pick<Context, 'reranker' | 'log'>,
  { query, candidates }: { query: string; candidates: readonly ChunkWithDocument[] },
  thinking: ThinkingTime,
  signal: AbortSignal,
): Promise<Reranking> {
  const { reranker } = ctx;
  const by = 'endpoint';
  if (reranker === null) return { by, order: null, call: null, skipped: 'no_endpoint' };
  const startedAt = performance.now();
  const deadline = AbortSignal.timeout(callTimeMs(thinking));
  const called = (failure: ModelCall['failure'], tokens: number): ModelCall => ({
    step: 'rerank',
    model: reranker.model,
    inputTokens: tokens,
    outputTokens: 0,
    // Such endpoints charge by the search, at prices that nobody publishes in one form.
    cost: '0',
    milliseconds: Math.round(performance.now() - startedAt),
    failure,
  });
  const documents = candidates.map(({ title, heading, text }) =>
    [title, heading ?? '', text]
      .filter((part) => part !== '')
      .join('\n')
      .slice(0, DOCUMENT_CHARACTERS)
      .toWellFormed(),
  );
  try {
    const either = AbortSignal.any([signal, deadline]);
    const { results, tokens } = await reranker.rerank(query, documents, either);
    const order = results.map(({ index, relevance }) => ({ place: index, score: relevance }));
    return { by, order, call: called(null, tokens), skipped: null };
  } catch (error) {
    signal.throwIfAborted();
    const failure = failureOf(error, deadline);
    ctx.log.info({ step: 'rerank', failure }, 'the rerank endpoint was not of help with a question');
    return { by, order: null, call: called(failure, 0), skipped: null };
  }
}
