import type { Context } from '#platform/context.js';
import { sqlStateOf } from '#platform/database-errors.js';
import { parseEmbeddingModel } from '#platform/embedding-model.js';
import { findVectorStorage, setVectorStorage } from './vector-storage.queries.js';

/** A vector of 4 bytes a number and the other columns of its row, in a page of 8 KiB: a row cannot be longer. */
const MAX_PLAIN_DIMENSIONS = 1_900;
const MAX_PLAIN_MODEL_BYTES = 200;
const LOCK_NOT_AVAILABLE = '55P03';
const MAX_TRIES = 5;

/**
 * Has new vectors stored in their rows where they fit, which makes looking at all of them about twice as quick, and
 * outside of them where one of the models makes larger ones. Rows that are there stay as they are.
 * @param allowed `external`: only what must be done lest vectors cannot be stored. Processes of two configurations may
 * run side by side for a while, and the one with the smaller vectors must not undo that again and again.
 * @returns 1 where something was changed
 */
export async function fitVectorStorage(
  ctx: Pick<Context, 'db' | 'embedder' | 'log'>,
  allowed: 'any' | 'external',
): Promise<number> {
  const { embedder } = ctx;
  if (embedder === null) return 0;
  const { storage, liveModels } = await findVectorStorage(ctx.db);
  const models = [embedder, ...liveModels.flatMap((key) => parseEmbeddingModel(key) ?? [])];
  const wanted = models.every(fitsRow) ? 'plain' : 'external';
  if (storage === wanted || (wanted === 'plain' && allowed === 'external')) return 0;
  for (let tries = 1; ; tries += 1) {
    try {
      await setVectorStorage(ctx.db, wanted);
      return 1;
    } catch (error) {
      if (sqlStateOf(error) !== LOCK_NOT_AVAILABLE) throw error;
      if (tries < MAX_TRIES) continue;
      // It is quicker this way and works without.
      if (wanted === 'plain') return 0;
      throw error;
    }
  }
}

function fitsRow({ model, dimensions }: { model: string; dimensions: number }): boolean {
  return dimensions <= MAX_PLAIN_DIMENSIONS && Buffer.byteLength(model) <= MAX_PLAIN_MODEL_BYTES;
}
