import { batches } from '#kernel/batches.js';
import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { type NewEmbedding, listKnownEmbeddings } from './ingestion.queries.js';

interface EmbeddableChunk {
  id: string;
  embeddedText: string;
  contentHash: string;
}

/**
 * Vectors for chunks: those that the document already has, the rest from the model. Outside of any transaction.
 * Without an embedding model there are none.
 * @throws ModelError
 */
export async function embedChunks(
  ctx: Pick<Context, 'db' | 'embedder'>,
  scope: ProjectScope,
  input: { documentId: string; chunks: EmbeddableChunk[] },
  signal: AbortSignal,
): Promise<{ rows: NewEmbedding[]; newCount: number }> {
  const { embedder } = ctx;
  if (embedder === null) return { rows: [], newCount: 0 };
  const { model, dimensions } = embedder;
  const contentHashes = [...new Set(input.chunks.map(({ contentHash }) => contentHash))];
  const { documentId } = input;
  const known = await listKnownEmbeddings(ctx.db, scope, { documentId, model, dimensions, contentHashes });
  const vectors = new Map(known.map(({ contentHash, embedding }) => [contentHash, embedding]));
  const missing = [
    ...new Map(
      input.chunks
        .filter(({ contentHash }) => !vectors.has(contentHash))
        .map((chunk) => [chunk.contentHash, chunk]),
    ).values(),
  ];
  for (const batch of batches(missing, embedder.batchSize)) {
    const texts = batch.map(({ embeddedText }) => embeddedText);
    const embedded = await embedder.embed(texts, 'passages', signal);
    for (const [index, vector] of embedded.vectors.entries()) {
      const chunk = batch[index];
      if (chunk !== undefined) vectors.set(chunk.contentHash, vector);
    }
  }
  const rows = input.chunks.flatMap(({ id, contentHash }) => {
    const embedding = vectors.get(contentHash);
    if (embedding === undefined) return [];
    return [{ id: newId(), projectId: scope.projectId, chunkId: id, model, dimensions, embedding }];
  });
  return { rows, newCount: missing.length };
}
