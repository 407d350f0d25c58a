import type { Context } from '#platform/context.js';
import type { Embedder } from '#platform/ports/embedder.js';
import type { ProjectScope } from '#platform/scope.js';
import { listNearestChunks } from './retrieval.queries.js';

/**
 * The chunks whose vectors are nearest to the query's, by cosine, exact.
 * @param input.limit at most this many, nearest first
 * @throws ModelError when the query cannot be embedded
 */
export async function vectorSearch(
  ctx: Pick<Context, 'db'> & { embedder: Embedder },
  scope: ProjectScope,
  input: { query: string; limit: number },
  signal: AbortSignal,
): Promise<{ chunkId: string; similarity: number }[]> {
  const { embedder } = ctx;
  const { vectors } = await embedder.embed([input.query], 'question', signal);
  const vector = vectors[0];
  if (vector === undefined) return [];
  const { model, dimensions } = embedder;
  return listNearestChunks(ctx.db, scope, { model, dimensions, vector, limit: input.limit });
}
