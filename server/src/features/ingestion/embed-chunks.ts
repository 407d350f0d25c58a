import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { Embedder } from '#platform/ports/embedder.js';
import type { ProjectScope } from '#platform/scope.js';
import { readInProject } from '#platform/transaction.js';
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
  const live = await readInProject(ctx, scope, (tx) => findEmbeddingModel(tx.db, scope));
  if (live === null || (live.model === embedder.model && live.dimensions === embedder.dimensions))
    return [embedder];
  return [embedder, embedder.forModel(live.model, live.dimensions)];
}

/** Vectors that the account already has, by the hash of their text: a map for each embedder. */
export type KnownVectors = Map<string, NewEmbedding['embedding']>[];

/** What the account already has of the vectors of chunks, by any of its sources, for the same text and model. */
export async function findKnownVectors(
  ctx: Pick<Context, 'db'>,
  scope: ProjectScope,
  { embedders, chunks }: { embedders: readonly Embedder[]; chunks: readonly EmbeddableChunk[] },
): Promise<KnownVectors> {
  const contentHashes = [...new Set(chunks.map(({ contentHash }) => contentHash))];
  const known: KnownVectors = [];
  for (const { model, dimensions } of embedders) {
    const rows = await listKnownEmbeddings(ctx.db, scope, { model, dimensions, contentHashes });
    known.push(new Map(rows.map(({ contentHash, embedding }) => [contentHash, embedding])));
  }
  return known;
}

/**
 * Vectors for chunks: those that are known, the rest from the model. Outside of any transaction.
 * @throws ModelError
 */
export async function embedChunks(
  scope: ProjectScope,
  input: { embedders: readonly Embedder[]; chunks: readonly EmbeddableChunk[]; known: KnownVectors },
  signal: AbortSignal,
): Promise<EmbeddedChunks> {
  const embedded: EmbeddedChunks = { rows: [], newCount: 0, tokens: 0, cost: 0 };
  const texts = new Map(input.chunks.map(({ contentHash, embeddedText }) => [contentHash, embeddedText]));
  for (const [position, embedder] of input.embedders.entries()) {
    const { model, dimensions } = embedder;
    const vectors = new Map(input.known[position]);
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
