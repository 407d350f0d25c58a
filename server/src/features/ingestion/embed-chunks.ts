import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { Embedder } from '#platform/ports/embedder.js';
import type { ProjectScope } from '#platform/scope.js';
import { embeddingCost } from '#features/usage/embedding-cost.js';
import { type NewEmbedding, findEmbeddingModel, listKnownEmbeddings } from './ingestion.queries.js';

export interface EmbeddableChunk {
  id: string;
  embeddedText: string;
  contentHash: string;
}

export interface EmbeddedChunks {
  rows: NewEmbedding[];
  /** Texts that the model was asked for, and what that took. */
  newCount: number;
  tokens: number;
  /** US dollars. */
  cost: number;
}

/**
 * The models whose vectors a project needs: the configured one, and while a change of the model is under way, the
 * one that searches still compare with.
 */
export async function listNeededEmbedders(
  ctx: Pick<Context, 'db' | 'embedder'>,
  scope: ProjectScope,
): Promise<Embedder[]> {
  const { embedder } = ctx;
  if (embedder === null) return [];
  const live = await findEmbeddingModel(ctx.db, scope);
  if (live === null || (live.model === embedder.model && live.dimensions === embedder.dimensions))
    return [embedder];
  return [embedder, embedder.forModel(live.model, live.dimensions)];
}

/**
 * Vectors for chunks: those that the account already has for the same text and model, the rest from the model.
 * Outside of any transaction.
 * @throws ModelError
 */
export async function embedChunks(
  ctx: Pick<Context, 'db'>,
  scope: ProjectScope,
  input: { embedders: readonly Embedder[]; chunks: readonly EmbeddableChunk[] },
  signal: AbortSignal,
): Promise<EmbeddedChunks> {
  const embedded: EmbeddedChunks = { rows: [], newCount: 0, tokens: 0, cost: 0 };
  for (const embedder of input.embedders) {
    const { model, dimensions } = embedder;
    const texts = new Map(input.chunks.map(({ contentHash, embeddedText }) => [contentHash, embeddedText]));
    const known = await listKnownEmbeddings(ctx.db, scope, {
      model,
      dimensions,
      contentHashes: [...texts.keys()],
    });
    const vectors = new Map(known.map(({ contentHash, embedding }) => [contentHash, embedding]));
    const missing = [...texts].filter(([contentHash]) => !vectors.has(contentHash));
    if (missing.length > 0) {
      const asked = missing.map(([, text]) => text);
      const reply = await embedder.embed(asked, 'passages', signal);
      for (const [index, [contentHash]] of missing.entries()) {
        const vector = reply.vectors[index];
        if (vector !== undefined) vectors.set(contentHash, vector);
      }
      embedded.newCount += missing.length;
      embedded.tokens += reply.tokens;
      embedded.cost += embeddingCost(model, reply.tokens);
    }
    for (const { id, contentHash } of input.chunks) {
      const embedding = vectors.get(contentHash);
      if (embedding === undefined) continue;
      const { projectId } = scope;
      embedded.rows.push({ id: newId(), projectId, chunkId: id, model, dimensions, embedding });
    }
  }
  return embedded;
}
