import { drizzle } from 'drizzle-orm/node-postgres';
import type { Context } from '#platform/context.js';
import type { Database } from '#platform/database.js';
import { embeddingModelKey } from '#platform/embedding-model.js';
import { inBuildSession } from '#platform/online-indexes.js';
import {
  VECTOR_INDEX_LIMITS,
  VECTOR_INDEX_PREFIX,
  type VectorIndexKind,
  type VectorIndexLimits,
  vectorIndexOf,
} from './vector-index.js';
import {
  type NewVectorIndex,
  countVectorsUpTo,
  createVectorIndex,
  dropVectorIndex,
  listLargeModels,
  listVectorIndexes,
  prepareBuild,
} from './vector-indexes.queries.js';

interface WantedIndex extends NewVectorIndex {
  /** Large enough that it is built; else it is only kept. */
  isWorthBuilding: boolean;
}

interface Changes {
  /** Of models that nobody needs them for, and those that were left half-built. */
  drop: string[];
  build: NewVectorIndex[];
}

/**
 * Builds the index of each model that some project has many vectors of, beside the work that goes on, and drops those
 * whose model is gone.
 * @returns how many were built and dropped
 */
export async function keepVectorIndexes(
  ctx: Pick<Context, 'db' | 'config' | 'embedder'>,
  signal: AbortSignal,
  limits: VectorIndexLimits = VECTOR_INDEX_LIMITS,
): Promise<number> {
  const { url } = ctx.config.database;
  // Without hardware for numbers of 16 bits the embedded database takes minutes for what it does in seconds with bits.
  const wanted = await listWanted(ctx, url === null ? 'bit' : 'halfvec', limits);
  const changes = await compare(ctx.db, wanted);
  if (changes.drop.length + changes.build.length === 0) return 0;
  if (url === null) return changeEmbedded(ctx.db, changes, limits);
  return inBuildSession(url, signal, async (client) => {
    const db = drizzle(client);
    await prepareBuild(db);
    // What seemed half-built may have been in the hands of another process until now.
    const { drop, build } = await compare(db, wanted);
    for (const name of drop) await dropVectorIndex(db, name, true);
    for (const index of build) await createVectorIndex(db, index, true);
    return drop.length + build.length;
  });
}

async function listWanted(
  { db, embedder }: Pick<Context, 'db' | 'embedder'>,
  kind: VectorIndexKind,
  { leastIndexed }: VectorIndexLimits,
): Promise<WantedIndex[]> {
  const models = await listLargeModels(db, {
    configured: embedder === null ? null : embeddingModelKey(embedder),
    // A project that is about as large as the limit must not have it built and dropped in turns.
    leastChunks: Math.ceil(leastIndexed / 2),
  });
  return models.flatMap(({ model, dimensions, chunks }) => {
    const index = vectorIndexOf({ model, dimensions }, kind);
    if (index === null) return [];
    return [{ ...index, model, dimensions, isWorthBuilding: chunks >= leastIndexed }];
  });
}

async function compare(db: Database, wanted: WantedIndex[]): Promise<Changes> {
  const existing = await listVectorIndexes(db, VECTOR_INDEX_PREFIX);
  const names = new Set(wanted.map(({ name }) => name));
  const usable = new Set(existing.filter(({ isValid }) => isValid).map(({ name }) => name));
  return {
    drop: existing.filter(({ name, isValid }) => !isValid || !names.has(name)).map(({ name }) => name),
    build: wanted.filter(({ name, isWorthBuilding }) => isWorthBuilding && !usable.has(name)),
  };
}

/** It has no second connection to go on with: what would take too long is not done. */
async function changeEmbedded(
  db: Database,
  { drop, build }: Changes,
  { mostIndexedEmbedded }: VectorIndexLimits,
): Promise<number> {
  let count = drop.length;
  for (const name of drop) await dropVectorIndex(db, name, false);
  for (const index of build) {
    const vectors = await countVectorsUpTo(db, index, mostIndexedEmbedded + 1);
    if (vectors > mostIndexedEmbedded) continue;
    await createVectorIndex(db, index, false);
    count += 1;
  }
  return count;
}
