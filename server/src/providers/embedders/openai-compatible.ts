import { batches } from '#kernel/batches.js';
import type { Embedder, EmbeddingPurpose } from '#platform/ports/embedder.js';
import { startDeadline } from '#providers/chat-models/deadline.js';
import {
  type EndpointPolicy,
  type EndpointPolicyOptions,
  createEndpointPolicy,
  pauseFor,
} from '#providers/resilience/endpoint-policy.js';

import { createBatchQueue } from './batch-queue.js';
import { type EmbeddingsEndpoint, postEmbeddings } from './post-embeddings.js';
import { type EmbeddedBatch, readEmbeddings } from './read-embeddings.js';
import { MOST_IN_FLIGHT, type Place, type SendPace, createSendPace } from './send-pace.js';

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

/** What all models of an endpoint share. */
interface SharedEndpoint extends Pick<OpenAICompatibleEmbedderOptions, 'timeoutMs' | 'tryTimeoutMs'> {
  endpoint: EmbeddingsEndpoint;
  policy: EndpointPolicy;
  pace: SendPace;
  batchSize: number;
  /** By model and dimensions. */
  embedders: Map<string, Embedder>;
}

interface Model {
  model: string;
  dimensions: number;
}

const DEFAULT_BATCH_SIZE = 256;

/**
 * An embedder behind any endpoint that speaks the embeddings wire of OpenAI. A question is a call of its own, at once.
 * Passages of all callers share calls, several of them in flight, as many as the endpoint bears. Each call is tried
 * again as the policy of the endpoint allows. Tokens are those that the endpoint counts, 0 where it does not.
 */
export function createOpenAICompatibleEmbedder(options: OpenAICompatibleEmbedderOptions): Embedder {
  const { now = () => performance.now(), pause = pauseFor } = options.resilience ?? {};
  const { baseUrl, apiKey, timeoutMs, tryTimeoutMs, batchSize = DEFAULT_BATCH_SIZE } = options;
  return embedderOf(options, {
    endpoint: { baseUrl, apiKey, encoding: 'base64' },
    policy: createEndpointPolicy({ name: 'embeddings', ...options.resilience }),
    pace: createSendPace({ now, pause }),
    batchSize,
    timeoutMs,
    tryTimeoutMs,
    embedders: new Map(),
  });
}

function embedderOf({ model, dimensions }: Model, shared: SharedEndpoint): Embedder {
  const key = JSON.stringify([model, dimensions]);
  const known = shared.embedders.get(key);
  if (known !== undefined) return known;
  const embedPassages = createBatchQueue({
    batchSize: shared.batchSize,
    pace: shared.pace,
    send: (texts, place, signal) => sendPassages(shared, { model, dimensions, texts, place }, signal),
  });
  const embedder: Embedder = {
    model,
    dimensions,
    batchSize: shared.batchSize,
    windowSize: shared.batchSize * MOST_IN_FLIGHT,
    endpoint: shared.policy,
    embed: (texts, purpose, signal) =>
      purpose === 'passages'
        ? embedPassages(texts, signal)
        : embedQuestions(shared, { model, dimensions, texts }, signal),
    forModel: (otherModel, otherDimensions) =>
      embedderOf({ model: otherModel, dimensions: otherDimensions }, shared),
  };
  shared.embedders.set(key, embedder);
  return embedder;
}

interface Batch extends Model {
  texts: readonly string[];
}

/** Goes past all passages that wait. */
async function embedQuestions(
  shared: SharedEndpoint,
  { texts, ...model }: Batch,
  signal: AbortSignal,
): Promise<EmbeddedBatch> {
  const embedded: EmbeddedBatch = { vectors: [], tokens: 0 };
  for (const batch of batches(texts, shared.batchSize)) {
    const enter = async () => shared.pace.follow();
    const { vectors, tokens } = await sendBatch(
      shared,
      { ...model, texts: batch, purpose: 'question', enter },
      signal,
    );
    embedded.vectors.push(...vectors);
    embedded.tokens += tokens;
  }
  return embedded;
}

async function sendPassages(
  shared: SharedEndpoint,
  { place, ...batch }: Batch & { place: Place },
  signal: AbortSignal,
): Promise<EmbeddedBatch> {
  let held: Place | null = place;
  // The first try has its place, others come from a wait and need one anew.
  const enter = async (trySignal: AbortSignal) => {
    const mine = held ?? (await shared.pace.enter(trySignal));
    held = null;
    return mine;
  };
  try {
    return await sendBatch(shared, { ...batch, purpose: 'passages', enter }, signal);
  } finally {
    place.leave(undefined);
  }
}

interface Sending extends Batch {
  purpose: EmbeddingPurpose;
  enter: (signal: AbortSignal) => Promise<Place>;
}

async function sendBatch(
  shared: SharedEndpoint,
  sending: Sending,
  signal: AbortSignal,
): Promise<EmbeddedBatch> {
  signal.throwIfAborted();
  const deadline = startDeadline(signal, shared.timeoutMs[sending.purpose], 'no embeddings');
  const limits = {
    signal: deadline.signal,
    remainingMs: () => deadline.remainingMs(),
    isPatient: sending.purpose === 'passages',
  };
  try {
    return await shared.policy.run(async () => {
      const place = await sending.enter(deadline.signal);
      return await tryBatch(shared, { ...sending, place }, deadline.signal);
    }, limits);
  } finally {
    deadline.close();
  }
}

async function tryBatch(
  { endpoint, tryTimeoutMs }: SharedEndpoint,
  { place, ...batch }: Batch & { place: Place },
  signal: AbortSignal,
): Promise<EmbeddedBatch> {
  const deadline = startDeadline(signal, tryTimeoutMs, 'no embeddings');
  try {
    const reply = await postEmbeddings(endpoint, batch, deadline.signal);
    const embedded = readEmbeddings(reply, batch.texts.length, batch.dimensions);
    place.leave(null);
    return embedded;
  } catch (error) {
    const failure: unknown = deadline.signal.aborted ? deadline.signal.reason : error;
    place.leave(failure);
    throw failure;
  } finally {
    deadline.close();
  }
}
