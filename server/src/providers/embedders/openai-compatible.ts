import { z } from 'zod';

import { batches } from '#kernel/batches.js';
import { ModelError } from '#kernel/model-error.js';
import type { Embedder, EmbeddingPurpose } from '#platform/ports/embedder.js';
import { traceHeaders } from '#platform/tracing.js';
import { startDeadline } from '#providers/chat-models/deadline.js';
import { errorFromNetwork, errorFromStatus } from '#providers/chat-models/endpoint-error.js';
import { parseJson, readBoundedText } from '#providers/resilience/bounded-body.js';
import {
  type EndpointPolicy,
  type EndpointPolicyOptions,
  createEndpointPolicy,
} from '#providers/resilience/endpoint-policy.js';

export interface OpenAICompatibleEmbedderOptions {
  /** Up to and with the version, such as `https://models.example/v1`. */
  baseUrl: string;
  /** Null for endpoints that ask for none. */
  apiKey: string | null;
  model: string;
  dimensions: number;
  /** Texts per call at most. */
  batchSize?: number;
  /** For one batch: all tries and the waits between them. */
  timeoutMs: Record<EmbeddingPurpose, number>;
  /** For one try at a batch of passages. */
  tryTimeoutMs: number;
  resilience?: Omit<EndpointPolicyOptions, 'name'>;
}

interface EmbeddedBatch {
  vectors: Float32Array[];
  tokens: number;
}

const DEFAULT_BATCH_SIZE = 256;
/** 256 vectors of 4,096 numbers as text are 23 MB. */
const MAX_REPLY_BYTES = 64 * 1024 * 1024;
/** The family that can shorten its vectors; other models answer 400 to a field they do not know. */
const SHORTENABLE_MODEL_PATTERN = /(^|\/)text-embedding-3-/;

const replySchema = z.object({
  data: z.array(
    z.object({
      index: z.number().int().nonnegative().optional(),
      // The numbers are checked once, as they are copied: a schema for each of 400,000 of them is slow.
      embedding: z.custom<readonly unknown[]>((value) => Array.isArray(value)),
    }),
  ),
  usage: z
    .object({ prompt_tokens: z.number().nullish(), total_tokens: z.number().nullish() })
    .nullish()
    .catch(null),
});

/**
 * An embedder behind any endpoint that speaks the embeddings wire of OpenAI. Each batch is a call of its own, tried
 * again as the policy of the endpoint allows. Tokens are those that the endpoint counts, 0 where it does not.
 */
export function createOpenAICompatibleEmbedder(options: OpenAICompatibleEmbedderOptions): Embedder {
  const batchSize = options.batchSize ?? DEFAULT_BATCH_SIZE;
  const policy = createEndpointPolicy({ name: 'embeddings', ...options.resilience });
  return {
    model: options.model,
    dimensions: options.dimensions,
    batchSize,
    endpoint: policy,
    async embed(texts, purpose, signal) {
      const vectors: Float32Array[] = [];
      let tokens = 0;
      for (const batch of batches(texts, batchSize)) {
        const embedded = await embedBatch(policy, options, { texts: batch, purpose }, signal);
        vectors.push(...embedded.vectors);
        tokens += embedded.tokens;
      }
      return { vectors, tokens };
    },
  };
}

async function embedBatch(
  policy: EndpointPolicy,
  options: OpenAICompatibleEmbedderOptions,
  { texts, purpose }: { texts: readonly string[]; purpose: EmbeddingPurpose },
  signal: AbortSignal,
): Promise<EmbeddedBatch> {
  signal.throwIfAborted();
  const deadline = startDeadline(signal, options.timeoutMs[purpose], 'no embeddings');
  const limits = {
    signal: deadline.signal,
    remainingMs: () => deadline.remainingMs(),
    isPatient: purpose === 'passages',
  };
  try {
    return await policy.run(() => tryBatch(options, texts, deadline.signal), limits);
  } finally {
    deadline.close();
  }
}

async function tryBatch(
  options: OpenAICompatibleEmbedderOptions,
  texts: readonly string[],
  signal: AbortSignal,
): Promise<EmbeddedBatch> {
  const deadline = startDeadline(signal, options.tryTimeoutMs, 'no embeddings');
  try {
    const reply = await postEmbeddings(options, texts, deadline.signal);
    return readReply(reply, texts.length, options.dimensions);
  } catch (error) {
    throw deadline.signal.aborted ? deadline.signal.reason : error;
  } finally {
    deadline.close();
  }
}

async function postEmbeddings(
  options: OpenAICompatibleEmbedderOptions,
  texts: readonly string[],
  signal: AbortSignal,
): Promise<unknown> {
  const response = await fetch(`${options.baseUrl.replace(/\/+$/, '')}/embeddings`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...traceHeaders(),
      ...(options.apiKey === null ? {} : { authorization: `Bearer ${options.apiKey}` }),
    },
    body: JSON.stringify({
      model: options.model,
      input: texts,
      encoding_format: 'float',
      ...(SHORTENABLE_MODEL_PATTERN.test(options.model) ? { dimensions: options.dimensions } : {}),
    }),
    signal,
  }).catch((error: unknown) => {
    throw errorFromNetwork(error);
  });
  const text = await readBoundedText(response, MAX_REPLY_BYTES).catch((error: unknown) => {
    throw error instanceof ModelError ? error : errorFromNetwork(error);
  });
  const body = parseJson(text);
  if (!response.ok) throw errorFromStatus(response.status, Object.fromEntries(response.headers), body);
  return body;
}

function readReply(reply: unknown, count: number, dimensions: number): EmbeddedBatch {
  const parsed = replySchema.safeParse(reply);
  if (!parsed.success)
    throw new ModelError('bad_reply', 'the reply of the embedding endpoint cannot be read');
  const { data, usage } = parsed.data;
  if (data.length !== count) throw badReply(`${data.length} vectors for ${count} texts`);

  const vectors: Float32Array[] = [];
  for (const [place, item] of data.entries()) {
    const index = item.index ?? place;
    if (index >= count || vectors[index] !== undefined) throw badReply(`a wrong or repeated index ${index}`);
    vectors[index] = toVector(item.embedding, dimensions);
  }
  // As many as texts, each at a place of its own: none is missing.
  return { vectors, tokens: usage?.prompt_tokens ?? usage?.total_tokens ?? 0 };
}

function toVector(numbers: readonly unknown[], dimensions: number): Float32Array {
  if (numbers.length !== dimensions) throw badReply(`${numbers.length} dimensions instead of ${dimensions}`);
  const vector = new Float32Array(dimensions);
  for (let position = 0; position < dimensions; position += 1) {
    const value = numbers[position];
    vector[position] = typeof value === 'number' ? value : Number.NaN;
    // After the copy: what is finite in 64 bits can be infinite in 32.
    if (!Number.isFinite(vector[position])) throw badReply('a value that is no finite number');
  }
  return vector;
}

function badReply(what: string): ModelError {
  return new ModelError('bad_reply', `the embedding endpoint gave ${what}`);
}
