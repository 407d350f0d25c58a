import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { projects } from '#db/schema/projects.js';
import { type TestContext, createTestContext } from '#test/create-test-context.js';
import { addVectorProject, embedderOf } from '#test/vector-projects.js';
import { fitVectorStorage } from './fit-vector-storage.js';

const SMALL = { model: 'text-embedding-3-small-with-a-long-name', dimensions: 1_900 };
const LARGE = { model: 'text-embedding-3-large', dimensions: 3_072 };

let test: TestContext;
beforeEach(async () => {
  test = await createTestContext({ environment: { OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' } });
});
afterEach(() => test.close());

/** As `p` (plain), `m` (main), `e` (external) or `x` (extended). */
async function storage(): Promise<Record<string, string>> {
  const { rows } = await test.ctx.db.execute<{ name: string; storage: string }>(sql`
    select attname as name, attstorage::text as storage from pg_attribute
    where attrelid = 'embeddings'::regclass and attname in ('embedding', 'model')`);
  return Object.fromEntries(rows.map((row) => [row.name, row.storage]));
}

function fit(model: typeof SMALL, allowed: 'any' | 'external' = 'any'): Promise<number> {
  test.ctx.embedder = embedderOf(model);
  return fitVectorStorage(test.ctx, allowed);
}

const addVectors = (model: typeof SMALL) => addVectorProject(test.ctx.db, { chunkCount: 20, seed: 1, model });

async function countOutside(): Promise<number> {
  const { rows } = await test.ctx.db.execute<{ bytes: number }>(sql`
    select pg_relation_size(reltoastrelid)::int as bytes from pg_class where oid = 'embeddings'::regclass`);
  return rows[0]?.bytes ?? -1;
}

describe('vectors', () => {
  it('are stored in their rows from the start where the configured model is small enough', async () => {
    expect(await storage()).toEqual({ embedding: 'p', model: 'p' });
    expect(await fit(SMALL)).toBe(0);
    await addVectors(SMALL);
    expect(await countOutside()).toBe(0);
  });

  it('are stored outside of them when a model with larger ones is configured, and those that are there stay', async () => {
    const before = await addVectors(SMALL);
    expect([await fit(LARGE), await fit(LARGE)]).toEqual([1, 0]);
    expect(await storage()).toEqual({ embedding: 'e', model: 'x' });
    await addVectors(LARGE);
    expect(await countOutside()).toBeGreaterThan(0);
    expect(await test.ctx.db.$count(projects, sql`id = ${before.scope.projectId}`)).toBe(1);
  });

  it('stay outside while a project still compares with large ones, and where that is not for the schedule to say', async () => {
    await fit(LARGE);
    const { scope } = await addVectors(LARGE);
    expect(await fit(SMALL)).toBe(0);
    expect((await storage())['embedding']).toBe('e');
    await test.ctx.db
      .update(projects)
      .set({ embeddingModel: `${SMALL.model}:${SMALL.dimensions}` })
      .where(sql`id = ${scope.projectId}`);
    expect(await fit(SMALL, 'external')).toBe(0);
    expect([await fit(SMALL), await fit(LARGE, 'external')]).toEqual([1, 1]);
  });
});
