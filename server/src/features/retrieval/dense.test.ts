import { and, eq, sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { documentChunks, documents, embeddings, lexicalSegments } from '#db/schema/documents.js';
import { projects } from '#db/schema/projects.js';
import { newId } from '#kernel/ids.js';
import type { Database } from '#platform/database.js';
import { embeddingModelKey } from '#platform/embedding-model.js';
import { type TestContext, createTestContext } from '#test/create-test-context.js';
import {
  DOCUMENTS,
  type VectorProject,
  addVectorProject,
  addVectors,
  createVectors,
  embedderOf,
} from '#test/vector-projects.js';
import { keepVectorIndexes } from './keep-vector-indexes.js';
import type { SearchFilter } from './search-filter.queries.js';
import { type SearchLimits, VECTOR_INDEX_LIMITS, vectorIndexOf } from './vector-index.js';
import { vectorSearch } from './vector-search.js';

const MODEL = { model: `it's "a" model`, dimensions: 256 };
const OTHER = { model: 'another model', dimensions: 128 };
/** As large as a test can be. */
const LOW = { leastChunks: 100, mostPassed: 10_000, leastIndexed: 100, mostIndexedEmbedded: 10_000 };
const LIMIT = 10;
const never = new AbortController().signal;

let test: TestContext;
beforeEach(async () => {
  test = await createTestContext();
  restartWith(MODEL);
});
afterEach(() => test.close());

function restartWith(model: typeof MODEL): void {
  test.ctx.embedder = embedderOf(model);
}

const addProject = (chunkCount: number, seed: number) =>
  addVectorProject(test.ctx.db, { chunkCount, seed, model: MODEL });
const vectorsOf = (seed: number) => createVectors(seed, MODEL.dimensions);
const keep = (limits = LOW) => keepVectorIndexes(test.ctx, never, limits);

interface SearchOptions {
  model?: typeof MODEL;
  filter?: SearchFilter;
  limits?: SearchLimits;
  limit?: number;
}

/** What is found, and whether an index was used for it. */
async function search({ scope }: VectorProject, vector: Float32Array, options: SearchOptions = {}) {
  const { model = MODEL, filter, limits = LOW, limit = LIMIT } = options;
  return test.ctx.db.transaction(async (tx) => {
    const before = await countScans(tx);
    const ctx = { db: tx, embedder: embedderOf(model) };
    const found = await vectorSearch(
      ctx,
      scope,
      { query: [...vector].join(' '), limit, filter },
      never,
      limits,
    );
    const isByIndex = (await countScans(tx)) > before;
    return { found, ids: found.map(({ chunkId }) => chunkId), isByIndex };
  });
}

async function countScans(db: Database): Promise<number> {
  const { rows } = await db.execute<{ scans: number }>(sql`
    select coalesce(sum(pg_stat_get_xact_numscans(indexrelid)), 0)::int as scans
    from pg_index i join pg_class c on c.oid = i.indexrelid where c.relname like 'embeddings_hnsw%'`);
  return rows[0]?.scans ?? -1;
}

/** Every vector is looked at. */
const searchExactly = (project: VectorProject, vector: Float32Array, options: SearchOptions = {}) =>
  search(project, vector, { ...options, limits: VECTOR_INDEX_LIMITS });

async function indexes(): Promise<Record<string, boolean>> {
  const { rows } = await test.ctx.db.execute<{ name: string; isValid: boolean }>(sql`
    select c.relname as name, i.indisvalid as "isValid" from pg_index i join pg_class c on c.oid = i.indexrelid
    where c.relname like 'embeddings_hnsw%'`);
  return Object.fromEntries(rows.map(({ name, isValid }) => [name, isValid]));
}

const nameOf = (model: typeof MODEL) =>
  vectorIndexOf(model, test.ctx.config.database.url === null ? 'bit' : 'halfvec')?.name ?? '';

describe('a large project', () => {
  it('is searched by an index that finds nearly what an exact search does, with the exact similarities', async () => {
    const project = await addProject(600, 1);
    const questions = Array.from({ length: 20 }, vectorsOf(1));
    expect(await keep({ ...LOW, leastIndexed: 601 })).toBe(0);
    expect((await search(project, questions[0] ?? new Float32Array())).isByIndex).toBe(false);
    expect([await keep(), await keep()]).toEqual([1, 0]);
    expect(await indexes()).toEqual({ [nameOf(MODEL)]: true });
    let hits = 0;
    for (const question of questions) {
      const exact = await searchExactly(project, question);
      const quick = await search(project, question);
      expect([exact.isByIndex, quick.isByIndex]).toEqual([false, true]);
      expect(quick.ids).toHaveLength(LIMIT);
      const similarities = quick.found.map(({ similarity }) => similarity);
      expect(similarities).toEqual(similarities.toSorted((a, b) => b - a));
      for (const { chunkId, similarity } of exact.found) {
        const same = quick.found.find((hit) => hit.chunkId === chunkId);
        if (same === undefined) continue;
        hits += 1;
        expect(same.similarity).toBeCloseTo(similarity, 6);
      }
    }
    expect(hits / (questions.length * LIMIT)).toBeGreaterThan(0.95);
  });

  it('shares the index with others and finds nothing of theirs', async () => {
    const [first, second] = [await addProject(300, 1), await addProject(300, 1)];
    const small = await addProject(8, 1);
    await keep();
    const owned = async ({ scope }: VectorProject) => {
      const rows = await test.ctx.db
        .select({ id: documentChunks.id })
        .from(documentChunks)
        .where(eq(documentChunks.projectId, scope.projectId));
      return new Set(rows.map(({ id }) => id));
    };
    const draw = vectorsOf(1);
    for (const project of [first, second, small]) {
      const own = await owned(project);
      const { ids, isByIndex } = await search(project, draw());
      expect(isByIndex).toBe(project !== small);
      expect(ids).toHaveLength(project === small ? 8 : LIMIT);
      expect(ids.every((id) => own.has(id))).toBe(true);
    }
  });

  it('gives as many as are asked for under any filter, and only what matches', async () => {
    const project = await addProject(600, 2);
    await keep();
    const [red = '', blue = ''] = project.sourceIds;
    const draw = vectorsOf(2);
    const matching = async (condition: ReturnType<typeof sql>) => {
      const rows = await test.ctx.db
        .select({ id: documentChunks.id })
        .from(documentChunks)
        .innerJoin(documents, eq(documents.id, documentChunks.documentId))
        .where(condition);
      return new Set(rows.map(({ id }) => id));
    };
    const cases: [SearchFilter, ReturnType<typeof sql>, boolean][] = [
      [{ sourceIds: [red] }, sql`source_id = ${red}`, true],
      [{ sourceIds: [red, blue] }, sql`true`, true],
      [{ languages: ['de'] }, sql`documents.language = 'de'`, true],
      [{ metadata: { team: 'blue', plan: 'free' } }, sql`source_id = ${blue} and key <> '7'`, true],
      // So few match that they are looked at one by one.
      [{ metadata: { plan: 'paid' } }, sql`key = '7'`, false],
      [{ metadata: { tags: ['b'] }, languages: ['de'] }, sql`key = '7'`, false],
    ];
    for (const [filter, condition, isByIndex] of cases) {
      const ids = await matching(condition);
      const quick = await search(project, draw(), { filter });
      expect([filter, quick.isByIndex]).toEqual([filter, isByIndex]);
      expect(quick.ids).toHaveLength(LIMIT);
      expect(quick.ids.filter((id) => !ids.has(id))).toEqual([]);
    }
    for (const filter of [{ sourceIds: [] }, { languages: ['fr'] }, { metadata: { team: 'green' } }]) {
      expect((await search(project, draw(), { filter })).ids).toEqual([]);
    }
    const all = await search(project, draw(), { filter: { metadata: { plan: 'paid' } }, limit: 50 });
    expect(all.ids).toHaveLength(600 / DOCUMENTS);
  });

  it('gives all that is left when most of what the index holds is gone or not live', async () => {
    const project = await addProject(2_000, 3);
    await keep();
    const draw = vectorsOf(3);
    const { db } = test.ctx;
    await db.delete(documents).where(sql`key::int < 8`);
    await db
      .update(documents)
      .set({ liveVersion: 2 })
      .where(sql`key::int between 8 and 18`);
    const question = draw();
    const quick = await search(project, question, { limit: 110 });
    expect(quick.isByIndex).toBe(true);
    expect(quick.ids).toHaveLength(100);
    expect(quick.ids).toEqual((await searchExactly(project, question, { limit: 110 })).ids);
    // The index gives up before it has met all of them.
    const early = await search(project, question, { limits: { ...LOW, mostPassed: 1 }, limit: 100 });
    expect(early).toEqual({ ...quick, isByIndex: true });
  });
});

describe('an index', () => {
  it('that is not valid is not used and stops no search, and is built anew', async () => {
    const project = await addProject(300, 4);
    await keep();
    const name = nameOf(MODEL);
    await test.ctx.db.execute(
      sql`update pg_index set indisvalid = false where indexrelid = to_regclass(${name})`,
    );
    const question = vectorsOf(4)();
    const broken = await search(project, question);
    expect(broken).toEqual({ ...(await searchExactly(project, question)), isByIndex: false });
    expect(await keep()).toBe(2);
    expect(await indexes()).toEqual({ [name]: true });
    expect((await search(project, question)).isByIndex).toBe(true);
  });

  it('goes with its model, and that of the next one is there when it takes over', async () => {
    const project = await addProject(300, 5);
    await keep();
    restartWith(OTHER);
    expect(await keep()).toBe(0);
    await addVectors(test.ctx.db, project.scope, { seed: 5, model: OTHER });
    expect(await keep()).toBe(1);
    expect(Object.keys(await indexes()).toSorted()).toEqual([nameOf(MODEL), nameOf(OTHER)].toSorted());
    const key = embeddingModelKey(OTHER);
    await test.ctx.db.update(projects).set({ embeddingModel: key });
    expect(await keep()).toBe(1);
    expect(await indexes()).toEqual({ [nameOf(OTHER)]: true });
    const [old, next] = [MODEL, OTHER].map(({ dimensions }) => createVectors(5, dimensions)());
    expect((await search(project, next ?? new Float32Array(), { model: OTHER })).isByIndex).toBe(true);
    const byOld = await search(project, old ?? new Float32Array());
    expect([byOld.ids.length, byOld.isByIndex]).toEqual([LIMIT, false]);
  });

  it('goes when no project is large any more, not at the first chunk less', async () => {
    const { scope } = await addProject(300, 6);
    await keep();
    const shrinkTo = (chunkCount: number) =>
      test.ctx.db
        .update(lexicalSegments)
        .set({ chunkCount })
        .where(eq(lexicalSegments.projectId, scope.projectId));
    await shrinkTo(60);
    expect(await keep()).toBe(0);
    await shrinkTo(40);
    expect(await keep()).toBe(1);
    expect(await indexes()).toEqual({});
  });

  it('takes in what is added after it was built', async () => {
    const project = await addProject(300, 7);
    await keep();
    const { projectId } = project.scope;
    const [chunk] = await test.ctx.db
      .select({ id: embeddings.chunkId })
      .from(embeddings)
      .where(eq(embeddings.projectId, projectId));
    const chunkId = chunk?.id ?? '';
    const question = vectorsOf(99)();
    await test.ctx.db
      .delete(embeddings)
      .where(and(eq(embeddings.projectId, projectId), eq(embeddings.chunkId, chunkId)));
    await test.ctx.db
      .insert(embeddings)
      .values({ id: newId(), projectId, chunkId, ...MODEL, embedding: question });
    const { found, isByIndex } = await search(project, question);
    expect(isByIndex).toBe(true);
    expect(found[0]).toMatchObject({ chunkId });
    expect(found[0]?.similarity).toBeCloseTo(1, 5);
  });
});
