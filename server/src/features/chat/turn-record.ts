import type { Citation } from '#db/schema/conversations.js';
import { sha256Hex } from '#kernel/hash.js';
import type { ChatModelRequest } from '#platform/ports/chat-model.js';
import type { ModelCall } from '#features/retrieval/ask-model.js';
import type { RetrievalResult } from '#features/retrieval/retrieve-passages.js';
import { COST_CURRENCY, sumCosts } from '#features/usage/message-cost.js';
import type { MessageTrace, TracedCandidate } from './trace.schemas.js';

/** What happens during a turn, noted as it happens. */
export interface TurnRecord {
  rewrite: MessageTrace['rewrite'];
  found: RetrievalResult | null;
  /** Passages that read like orders to a model. */
  instructionChunkIds: string[];
  context: (Omit<Citation, 'index' | 'quote' | 'end'> & { number: number; text: string; score: number })[];
  messages: ChatModelRequest['messages'] | null;
  calls: ModelCall[];
  timings: MessageTrace['timings'];
}

export function startRecord(): TurnRecord {
  return {
    rewrite: null,
    found: null,
    instructionChunkIds: [],
    context: [],
    messages: null,
    calls: [],
    timings: [],
  };
}

/** Runs a step of a turn and notes how long it took. */
export async function timedStep<T>(record: TurnRecord, step: string, act: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  try {
    return await act();
  } finally {
    record.timings.push({ step, milliseconds: Math.round(performance.now() - startedAt) });
  }
}

interface Usage {
  inputTokens: number;
  outputTokens: number;
  cost: string;
}

/** Tokens and cost of an answer with those of the calls that helped to find it. */
function totalUsage(answer: Usage, calls: readonly ModelCall[]): Usage {
  return {
    inputTokens: answer.inputTokens + calls.reduce((sum, { inputTokens }) => sum + inputTokens, 0),
    outputTokens: answer.outputTokens + calls.reduce((sum, { outputTokens }) => sum + outputTokens, 0),
    cost: sumCosts([answer.cost, ...calls.map(({ cost }) => cost)]),
  };
}

/** The record of a turn that has ended, as it is stored. */
export function traceOf(
  record: TurnRecord,
  response: Usage & { model: string },
  decision: MessageTrace['decision'],
): MessageTrace {
  const { rewrite, found, context, messages, calls, timings } = record;
  const { inputTokens, outputTokens, cost } = response;
  const answer = { inputTokens, outputTokens, cost };
  return {
    rewrite,
    ...searchTrace(found),
    decision,
    instructionChunkIds: record.instructionChunkIds,
    context: context.map(({ number, chunkId, documentId, title, score, start, text }) => ({
      number,
      chunkId,
      documentId,
      title,
      score,
      start,
      end: start + text.length,
    })),
    promptHash: messages === null ? null : sha256Hex(JSON.stringify(messages)),
    model: response.model,
    calls,
    usage: { answer, total: totalUsage(answer, calls), currency: COST_CURRENCY },
    timings: [...timings, ...searchTimings(found)],
  };
}

function searchTrace(
  found: RetrievalResult | null,
): Pick<MessageTrace, 'search' | 'queries' | 'fusion' | 'rerank'> {
  if (found === null) {
    const fusion = { method: 'convex' as const, semanticWeight: 0, candidates: [] };
    return { search: null, queries: [], fusion, rerank: null };
  }
  const { search, details, cache, isDegraded } = found;
  const { query, mode, topK, options } = search;
  return {
    search: {
      query,
      mode,
      topK,
      options: { ...options },
      cache,
      degraded: isDegraded,
      skipped: details.skipped,
    },
    queries: details.queries.map(({ kind, text, keyword, semantic }) => ({
      kind,
      text,
      keyword: keyword?.map(candidate) ?? null,
      semantic: semantic?.map(candidate) ?? null,
    })),
    fusion: {
      method: options.fusion,
      semanticWeight: options.semanticWeight,
      candidates: details.fused.map(({ id, score, lexical, semantic }, place) => ({
        ...candidate({ chunkId: id, score }, place),
        keyword: lexical,
        semantic,
      })),
    },
    rerank: details.rerank,
  };
}

/** Its document is looked up when the turn closes: nobody waits for it. */
function candidate({ chunkId, score }: { chunkId: string; score: number }, place: number): TracedCandidate {
  return { rank: place + 1, chunkId, documentId: null, title: null, score };
}

/** Of the search that was made; one that was kept from before took what it takes to look it up. */
function searchTimings(found: RetrievalResult | null): MessageTrace['timings'] {
  if (found === null || found.cache !== 'miss') return [];
  return Object.entries(found.details.timings).map(([step, milliseconds]) => ({
    step: `retrieve.${step}`,
    milliseconds,
  }));
}
