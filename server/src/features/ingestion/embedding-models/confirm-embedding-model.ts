import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import { embeddingModelKey } from '#platform/embedding-model.js';
import { countVectors, deleteOldVectors } from './embedding-models.queries.js';

const VECTORS_PER_STATEMENT = 1_000;

export interface EmbeddingModelState {
  /** As `model:dimensions`. */
  configured: string;
  projects: {
    projectId: string;
    /** Whose vectors searches compare with; null: of the configured model. */
    live: string | null;
    /** Visible chunks that have no vector of the configured model yet. */
    missing: number;
    /** Vectors of other models. */
    old: number;
  }[];
}

/** How far the change to the configured embedding model has come. @throws AppError `not_configured` */
export async function describeEmbeddingModels(
  ctx: Pick<Context, 'db' | 'embedder'>,
): Promise<EmbeddingModelState> {
  const embedder = requireEmbedder(ctx);
  return { configured: embeddingModelKey(embedder), projects: await countVectors(ctx.db, embedder) };
}

/**
 * Deletes the vectors of other models, of projects that have made the switch: from then on there is no way back but
 * to embed everything again.
 * @returns how many
 * @throws AppError `not_configured`
 */
export async function confirmEmbeddingModel(ctx: Pick<Context, 'db' | 'embedder'>): Promise<number> {
  const { model, dimensions } = requireEmbedder(ctx);
  const embeddingModel = embeddingModelKey({ model, dimensions });
  let count = 0;
  for (;;) {
    const limit = VECTORS_PER_STATEMENT;
    const deleted = await deleteOldVectors(ctx.db, { model, dimensions, embeddingModel, limit });
    count += deleted;
    if (deleted < limit) return count;
  }
}

function requireEmbedder({ embedder }: Pick<Context, 'embedder'>): NonNullable<Context['embedder']> {
  if (embedder !== null) return embedder;
  throw new AppError('not_configured', 'No embedding model is configured: set OPENAI_API_KEY.');
}
