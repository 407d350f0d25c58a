import type { Config } from '#platform/config/config.js';
import { createLogger } from '#platform/logger.js';
import { createMetrics } from '#platform/metrics.js';
import {
  type EmbeddingModelState,
  confirmEmbeddingModel,
  describeEmbeddingModels,
} from '#features/ingestion/embedding-models/confirm-embedding-model.js';
import { openDatabase } from './open-database.js';
import { openModels } from './open-models.js';

/**
 * Says how far the change of the embedding model has come, or confirms it: then the old vectors are deleted.
 * @returns what to print
 * @throws AppError `not_configured`
 */
export async function runEmbeddingsCommand(config: Config, act: 'status' | 'confirm'): Promise<string> {
  const metrics = createMetrics();
  const database = await openDatabase(config, createLogger('warn'), metrics);
  try {
    const ctx = { db: database.db, ...openModels(config, metrics) };
    if (act === 'status') return describe(await describeEmbeddingModels(ctx));
    const count = await confirmEmbeddingModel(ctx);
    return `${count} vectors of other models were deleted.\n`;
  } finally {
    await database.close();
  }
}

function describe({ configured, projects }: EmbeddingModelState): string {
  const changed = projects.filter(({ live }) => live === configured).length;
  const old = projects.reduce((sum, project) => sum + project.old, 0);
  const lines = [
    `Configured model: ${configured}`,
    `${changed} of ${projects.length} projects search with it; ${old} vectors of other models are kept.`,
    ...projects
      .filter(({ live }) => live !== configured)
      .map(
        ({ projectId, live, missing }) =>
          `  ${projectId} searches with ${live ?? 'whatever is there'}: ${missing} chunks to go`,
      ),
    ...(old > 0 && changed === projects.length
      ? [
          'Satisfied? `embeddings confirm` deletes the old vectors. Until then, configuring the old model goes back.',
        ]
      : []),
  ];
  return `${lines.join('\n')}\n`;
}
