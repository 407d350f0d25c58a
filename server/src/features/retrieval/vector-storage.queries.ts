import { sql } from 'drizzle-orm';
import type { Database } from '#platform/database.js';

export type VectorStorage = 'plain' | 'external';

/** How new vectors are stored, and the models that projects compare with, as `model:dimensions`. */
export async function findVectorStorage(
  db: Database,
): Promise<{ storage: VectorStorage; liveModels: string[] }> {
  const { rows } = await db.execute<{ isPlain: boolean; liveModels: string[] }>(sql`
    select attstorage = 'p' as "isPlain",
      array(select distinct embedding_model from projects where embedding_model is not null) as "liveModels"
    from pg_attribute where attrelid = 'embeddings'::regclass and attname = 'embedding'`);
  const { isPlain = false, liveModels = [] } = rows[0] ?? {};
  return { storage: isPlain ? 'plain' : 'external', liveModels };
}

/** Changes two lines of the catalogue. Fails with 55P03 rather than to have everybody wait behind it. */
export function setVectorStorage(db: Database, storage: VectorStorage): Promise<void> {
  return db.transaction(async (tx) => {
    await tx.execute(sql`set local lock_timeout = '2s'`);
    // In a row that is longer than 2 KB PostgreSQL moves away what it may: a long name of a model, in every row.
    const [ofVector, ofModel] = storage === 'plain' ? ['plain', 'plain'] : ['external', 'extended'];
    await tx.execute(
      sql.raw(`alter table embeddings alter column embedding set storage ${ofVector},
        alter column model set storage ${ofModel}`),
    );
  });
}
