import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ingestSourceJob } from '#features/ingestion/ingestion.jobs.js';
import { documentChunks, documents, embeddings, lexicalSegments } from '#db/schema/documents.js';
import { createEmbedder } from '#providers/embedders/registry.js';
import { type TestApp, createTestApp } from './create-test-app.js';
import type { FakeOpenAIMode } from './fakes/fake-openai-options.js';
import { type FakeOpenAI, startFakeOpenAI } from './fakes/fake-openai.js';
import { type InstantWaits, createInstantWaits } from './fakes/instant-waits.js';

const DIMENSIONS = 16;
const CHUNKS = 40;
/** 20 calls for the document, four of them at once at first. */
const BATCH_SIZE = 2;
const CALLS = CHUNKS / BATCH_SIZE;
/** Chunks that are stored together: those of four calls. */
const WINDOW = 8;
/** Three windows are asked for at once, and a fourth when the first is stored. */
const MOST_CALLS_BEFORE_A_FAILURE_IS_SEEN = 16;
/** Only a call that hangs takes that long, however busy the machine is. */
const TRY_TIMEOUT_MS = 4_000;
/** Sections that are chunks of their own: long, and each with words of its own. */
const DOCUMENT = Array.from(
  { length: CHUNKS },
  (_, section) => `# Section ${section}\n\n${`Sentence of section ${section} stands here. `.repeat(20)}`,
).join('\n\n');

const WHOLE = { chunks: CHUNKS, embeddings: CHUNKS, segments: CHUNKS / WINDOW };
const NOTHING = { chunks: 0, embeddings: 0, segments: 0 };

let app: TestApp;
let fake: FakeOpenAI;
let token: string;
let projectId: string;
/** Texts of all calls, and of those that were answered well, as often as they were. */
let asked: string[] = [];
let paidFor: string[] = [];
let calls = 0;
let waits: InstantWaits;

/** Fails the calls of these numbers, from 1 on. */
function failCalls(isFailing: (call: number) => boolean, mode: FakeOpenAIMode): void {
  asked = [];
  paidFor = [];
  calls = 0;
  fake.set({
    mode: (request) => {
      const texts = request.body['input'] as string[];
      calls += 1;
      asked.push(...texts);
      if (isFailing(calls)) return mode;
      paidFor.push(...texts);
      return 'normal';
    },
  });
}

/** How many texts were asked for this often. */
function countAsked(times: number): number {
  const counts = new Map<string, number>();
  for (const text of asked) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts.values()].filter((count) => count === times).length;
}

const addSource = async (project: string, text = DOCUMENT) => {
  const path = `/v1/projects/${project}/sources`;
  const { body } = await app.request('POST', path, { token, body: { type: 'text', name: 'Book', text } });
  return body.id as string;
};
/** Of what was found by words alone, which chunks. */
const search = async (project: string, query: string): Promise<string[]> => {
  const body = { query, mode: 'keyword', topK: 50 };
  const reply = await app.request('POST', `/v1/projects/${project}/search`, { token, body });
  return reply.body.results.map(({ chunkId }: { chunkId: string }) => chunkId);
};
const readSource = async (project: string, sourceId: string) =>
  (await app.request('GET', `/v1/projects/${project}/sources/${sourceId}`, { token })).body;
/** Rows of a project that any version of any document has left. */
const countRows = async (project: string) => ({
  chunks: await app.ctx.db.$count(documentChunks, eq(documentChunks.projectId, project)),
  embeddings: await app.ctx.db.$count(embeddings, eq(embeddings.projectId, project)),
  segments: await app.ctx.db.$count(lexicalSegments, eq(lexicalSegments.projectId, project)),
});
/** Runs the job through all attempts that it has. */
async function runAttempts(count: number): Promise<void> {
  for (let attempt = 0; attempt < count; attempt += 1) {
    await app.runJobs();
    app.clock.advance(3_600_000);
  }
}

beforeAll(async () => {
  fake = await startFakeOpenAI({ dimensions: DIMENSIONS, retryAfter: '1' });
  app = await createTestApp();
});

afterAll(async () => {
  await app.close();
  await fake.close();
});

beforeEach(async () => {
  ({ token } = await app.register());
  projectId = await app.createProject(token);
  waits = createInstantWaits();
  app.ctx.embedder = createEmbedder({
    provider: 'openai-compatible',
    baseUrl: fake.baseUrl,
    apiKey: null,
    model: 'any-model',
    dimensions: DIMENSIONS,
    batchSize: BATCH_SIZE,
    timeoutMs: { question: TRY_TIMEOUT_MS, passages: 60_000 },
    tryTimeoutMs: TRY_TIMEOUT_MS,
    resilience: waits,
  });
});

describe('an embedding endpoint that fails in the middle of a document', () => {
  it.each<FakeOpenAIMode>(['rate_limited', 'server_error', 'reset', 'hang'])(
    'once, by %s, is asked for that batch again and no other',
    async (mode) => {
      failCalls((call) => call === 7, mode);
      const sourceId = await addSource(projectId);
      await runAttempts(1);
      expect(await readSource(projectId, sourceId)).toMatchObject({ status: 'ready', chunkCount: CHUNKS });
      expect(calls).toBe(CALLS + 1);
      expect([countAsked(1), countAsked(2)]).toEqual([CHUNKS - BATCH_SIZE, BATCH_SIZE]);
      expect(paidFor).toHaveLength(CHUNKS);
      expect(new Set(paidFor).size).toBe(CHUNKS);
      expect(await countRows(projectId)).toEqual(WHOLE);
      // It asked to be left alone for a second.
      if (mode === 'rate_limited') expect(waits.now()).toBeGreaterThanOrEqual(1_000);
    },
  );

  it('for a while, by several calls at once, is asked for each of them again and no other', async () => {
    failCalls((call) => call >= 7 && call <= 9, 'server_error');
    const sourceId = await addSource(projectId);
    await runAttempts(1);
    expect(await readSource(projectId, sourceId)).toMatchObject({ status: 'ready', chunkCount: CHUNKS });
    expect(calls).toBe(CALLS + 3);
    expect(paidFor).toHaveLength(CHUNKS);
    expect(new Set(paidFor).size).toBe(CHUNKS);
  });

  it('for a whole attempt is asked by the next one for what is missing', async () => {
    failCalls((call) => call >= 7, 'server_error');
    const sourceId = await addSource(projectId);
    await runAttempts(1);
    expect((await readSource(projectId, sourceId)).status).not.toBe('ready');
    // Four of the six calls that went well were those of the first window.
    expect(paidFor).toHaveLength(6 * BATCH_SIZE);
    expect(await countRows(projectId)).toEqual({ chunks: WINDOW, embeddings: WINDOW, segments: 1 });
    expect(await search(projectId, 'sentence')).toEqual([]);
    const [stored, lost] = [paidFor.slice(0, WINDOW), paidFor.slice(WINDOW)];

    failCalls(() => false, 'normal');
    await runAttempts(1);
    expect(await readSource(projectId, sourceId)).toMatchObject({ status: 'ready', chunkCount: CHUNKS });
    // Nothing that was stored is paid for again, and of the rest only what two calls had brought.
    expect(paidFor).toHaveLength(CHUNKS - WINDOW);
    expect(new Set([...stored, ...paidFor]).size).toBe(CHUNKS);
    expect(lost).toHaveLength(2 * BATCH_SIZE);
    expect(await countRows(projectId)).toEqual(WHOLE);
  });

  it('at every attempt is asked for less each time, until all is there', async () => {
    for (let attempt = 1; attempt < ingestSourceJob.maxAttempts; attempt += 1) {
      failCalls((call) => call > WINDOW / BATCH_SIZE, 'server_error');
      if (attempt === 1) await addSource(projectId);
      await runAttempts(1);
      expect(paidFor).toHaveLength(WINDOW);
    }
    // Five attempts have brought a fifth each; the last one has nothing left to ask for.
    failCalls(() => true, 'server_error');
    await runAttempts(1);
    expect(calls).toBe(0);
    expect(await countRows(projectId)).toEqual(WHOLE);
  });

  it('for good leaves nothing of the document behind', async () => {
    failCalls((call) => call >= 7, 'server_error');
    const sourceId = await addSource(projectId);
    await runAttempts(ingestSourceJob.maxAttempts);
    expect(await readSource(projectId, sourceId)).toMatchObject({
      status: 'failed',
      error: { code: 'embedding_failed' },
    });
    expect(await countRows(projectId)).toEqual(NOTHING);
    expect(await search(projectId, 'sentence')).toEqual([]);
  });

  it.each<FakeOpenAIMode>([
    'wrong_dimension',
    'nan',
    'infinite',
    'not_numbers',
    'too_few',
    'too_many',
    'repeated_index',
    'html',
  ])('by %s fails the source at once, and nothing of it is stored', async (mode) => {
    failCalls((call) => call === 7, mode);
    const sourceId = await addSource(projectId);
    await runAttempts(2);
    expect(await readSource(projectId, sourceId)).toMatchObject({
      status: 'failed',
      error: { code: 'embedding_failed' },
    });
    // What came as nonsense may have been paid for: it is not asked for again, and the rest is not asked for.
    expect(countAsked(1)).toBe(asked.length);
    expect(calls).toBeLessThanOrEqual(MOST_CALLS_BEFORE_A_FAILURE_IS_SEEN);
    expect(await countRows(projectId)).toEqual(NOTHING);
    expect(await search(projectId, 'sentence')).toEqual([]);
  });

  it('by another order gives each chunk its own vector', async () => {
    const vectorsOf = async (project: string) => {
      const rows = await app.ctx.db
        .select({ index: documentChunks.chunkIndex, vector: embeddings.embedding })
        .from(embeddings)
        .innerJoin(documentChunks, eq(documentChunks.id, embeddings.chunkId))
        .where(eq(embeddings.projectId, project))
        .orderBy(documentChunks.chunkIndex);
      return rows.map(({ vector }) => [...vector]);
    };
    failCalls(() => false, 'normal');
    await addSource(projectId);
    await runAttempts(1);
    // Of another account: it shares no vectors.
    ({ token } = await app.register());
    const other = await app.createProject(token);
    failCalls(() => true, 'reordered');
    await addSource(other);
    await runAttempts(1);
    expect(calls).toBe(CALLS);
    expect(await vectorsOf(other)).toHaveLength(CHUNKS);
    expect(await vectorsOf(other)).toEqual(await vectorsOf(projectId));
  });

  it('while it is indexed anew leaves what was seen before', async () => {
    failCalls(() => false, 'normal');
    const sourceId = await addSource(projectId);
    await runAttempts(1);
    const found = await search(projectId, 'sentence');
    expect(found).toHaveLength(CHUNKS);
    await app.ctx.db
      .update(documents)
      .set({ contentHash: 'changed', indexKey: 'changed' })
      .where(eq(documents.projectId, projectId));
    await app.ctx.db.delete(embeddings).where(eq(embeddings.projectId, projectId));
    failCalls((call) => call >= 7, 'wrong_dimension');
    await app.request('POST', `/v1/projects/${projectId}/sources/${sourceId}/sync`, { token });
    await runAttempts(1);
    expect((await readSource(projectId, sourceId)).status).toBe('failed');
    expect(await countRows(projectId)).toEqual({ ...WHOLE, embeddings: 0 });
    expect(await search(projectId, 'sentence')).toEqual(found);
  });
});

describe('vectors that are known', () => {
  it('are taken from whatever the account has, unseen versions too, and from no other account', async () => {
    failCalls((call) => call > WINDOW / BATCH_SIZE, 'server_error');
    await addSource(projectId);
    await app.runJobs();
    const kept = [...paidFor];
    expect(kept).toHaveLength(WINDOW);
    const addElsewhere = async (account: string) => {
      token = account;
      const other = await app.createProject(token);
      failCalls(() => false, 'normal');
      await addSource(other);
      // The job of the other project is not due again yet.
      await app.runJobs();
      expect(await countRows(other)).toEqual(WHOLE);
      return paidFor;
    };
    const own = token;
    const stranger = (await app.register()).token;
    expect(await addElsewhere(stranger)).toHaveLength(CHUNKS);
    expect(new Set([...(await addElsewhere(own)), ...kept]).size).toBe(CHUNKS);
    expect(paidFor).toHaveLength(CHUNKS - WINDOW);
  });
});
