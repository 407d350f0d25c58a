import { z } from 'zod';

import { ModelError } from '#kernel/model-error.js';
import type { Reranked, Reranker } from '#platform/ports/reranker.js';
import { traceHeaders } from '#platform/tracing.js';
import { startDeadline } from '#providers/chat-models/deadline.js';
import { errorFromNetwork, errorFromStatus } from '#providers/chat-models/endpoint-error.js';
import { parseJson, readBoundedText } from '#providers/resilience/bounded-body.js';
import { type EndpointPolicyOptions, createEndpointPolicy } from '#providers/resilience/endpoint-policy.js';

export interface CohereCompatibleRerankerOptions {
  /** Up to and with the version, such as `https://reranker.example/v2`. */
  baseUrl: string;
  /** Null for endpoints that ask for none. */
  apiKey: string | null;
  model: string;
  /** For all tries and the waits between them. */
  timeoutMs: number;
  resilience?: Omit<EndpointPolicyOptions, 'name'>;
}

const MAX_REPLY_BYTES = 4 * 1024 * 1024;

const tokenCount = z.number().int().min(0).nullish().catch(null);
const replySchema = z.object({
  results: z.array(z.object({ index: z.int().min(0), relevance_score: z.number() })),
  // Some endpoints count here, some there, some not.
  usage: z.object({ total_tokens: tokenCount }).nullish().catch(null),
  meta: z
    .object({ tokens: z.object({ input_tokens: tokenCount }).nullish() })
    .nullish()
    .catch(null),
});

/** A reranker behind any endpoint that speaks the `/rerank` wire of Cohere, as Jina, vLLM and others do. */
export function createCohereCompatibleReranker(options: CohereCompatibleRerankerOptions): Reranker {
  const policy = createEndpointPolicy({ name: 'rerank', ...options.resilience });
  return {
    model: options.model,
    endpoint: policy,
    rerank: async (query, documents, signal) => {
      signal.throwIfAborted();
      const deadline = startDeadline(signal, options.timeoutMs, 'no ranking');
      try {
        return await policy.run(() => ask(options, { query, documents }, deadline.signal), {
          signal: deadline.signal,
          remainingMs: () => deadline.remainingMs(),
          isPatient: false,
        });
      } finally {
        deadline.close();
      }
    },
  };
}

async function ask(
  { baseUrl, apiKey, model }: CohereCompatibleRerankerOptions,
  { query, documents }: { query: string; documents: readonly string[] },
  signal: AbortSignal,
): Promise<Reranked> {
  try {
    const response = await fetch(`${baseUrl.replace(/\/+$/, '')}/rerank`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...traceHeaders(),
        ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }),
      },
      body: JSON.stringify({ model, query, documents, top_n: documents.length }),
      signal,
    });
    const body = parseJson(await readBoundedText(response, MAX_REPLY_BYTES));
    if (!response.ok) throw errorFromStatus(response.status, Object.fromEntries(response.headers), body);
    return readReply(body, documents.length);
  } catch (error) {
    // Whatever an abort looks like by the time it comes out of the connection, the signal knows why.
    if (signal.aborted) throw signal.reason;
    throw error instanceof ModelError ? error : errorFromNetwork(error);
  }
}

function readReply(body: unknown, documentCount: number): Reranked {
  const reply = replySchema.safeParse(body);
  if (!reply.success) throw new ModelError('bad_reply', 'the rerank endpoint sent no list of results');
  const { results, usage, meta } = reply.data;
  const isWhole = results.every(({ index }) => index < documentCount);
  const isDistinct = new Set(results.map(({ index }) => index)).size === results.length;
  if (!isWhole || !isDistinct) {
    throw new ModelError('bad_reply', 'the rerank endpoint named documents that it was not given, or twice');
  }
  return {
    results: results
      .map(({ index, relevance_score: relevance }) => ({ index, relevance }))
      .toSorted((a, b) => b.relevance - a.relevance),
    tokens: usage?.total_tokens ?? meta?.tokens?.input_tokens ?? 0,
  };
}
