import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ingestSourceJob } from '#features/ingestion/ingestion.jobs.js';
import { documentChunks, documents, embeddings, lexicalSegments } from '#db/schema/documents.js';
import { createEmbedder } from '#providers/embedders/registry.js';
import { type TestApp, createTestApp } from './create-test-app.js';
import type { FakeOpenAIMode } from './fakes/fake-openai-options.js';
import { type FakeOpenAI, startFakeOpenAI } from './fakes/fake-openai.js';
import { createInstantWaits } from './fakes/instant-waits.js';

const DIMENSIONS = 16;
const CHUNKS = 40;
/** 20 calls for the document. */
const BATCH_SIZE = 2;
/** Sections that are chunks of their own: long, and each with words of its own. */
const DOCUMENT = Array.from(
  { length: CHUNKS },
  (_, section) => `# Section ${section}\n\n${`Sentence of section ${section} stands here. `.repeat(20)}`,
).join('\n\n');

let app: TestApp;
let fake: FakeOpenAI;
let token: string;
let projectId: string;
/** Texts of calls that were answered well, as often as they were. */
let paidFor: string[] = [];
let calls = 0;

/** Fails the calls of these numbers, from 1 on. */
function failCalls(isFailing: (call: number) => boolean, mode: FakeOpenAIMode): void {
  paidFor = [];
  calls = 0;
  fake.set({
    mode: (request) => {
      calls += 1;
      if (isFailing(calls)) return mode;
      paidFor.push(...(request.body['input'] as string[]));
      return 'normal';
    },
  });
}

const addSource = async (project: string, text = DOCUMENT) => {
  const path = `/v1/projects/${project}/sources`;
  const { body } = await app.request('POST', path, { token, body: { type: 'text', name: 'Book', text } });
  return body.id as string;
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
  app.ctx.embedder = createEmbedder({
    provider: 'openai-compatible',
    baseUrl: fake.baseUrl,
    apiKey: null,
    model: 'any-model',
    dimensions: DIMENSIONS,
    batchSize: BATCH_SIZE,
    timeoutMs: { question: 500, passages: 20_000 },
    tryTimeoutMs: 500,
    resilience: createInstantWaits(),
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
      expect(calls).toBe(21);
      expect(new Set(paidFor).size).toBe(CHUNKS);
    },
  );

  it('for a whole attempt is asked by the next one for what is missing', async () => {
    failCalls((call) => call >= 7 && call <= 9, 'server_error');
    const sourceId = await addSource(projectId);
    await runAttempts(1);
    expect((await readSource(projectId, sourceId)).status).not.toBe('ready');
    await runAttempts(1);
    expect(await readSource(projectId, sourceId)).toMatchObject({ status: 'ready', chunkCount: CHUNKS });
    // Each text was paid for once: six batches by the first attempt, fourteen by the second.
    expect(paidFor).toHaveLength(CHUNKS);
    expect(new Set(paidFor).size).toBe(CHUNKS);
    expect(await countRows(projectId)).toEqual({
      chunks: CHUNKS,
      embeddings: CHUNKS,
      segments: CHUNKS / BATCH_SIZE,
    });
  });

  it('for good leaves nothing of the document behind', async () => {
    failCalls((call) => call >= 7, 'server_error');
    const sourceId = await addSource(projectId);
    await runAttempts(ingestSourceJob.maxAttempts);
    expect(await readSource(projectId, sourceId)).toMatchObject({
      status: 'failed',
      error: { code: 'embedding_failed' },
    });
    expect(await countRows(projectId)).toEqual({ chunks: 0, embeddings: 0, segments: 0 });
  });

  it.each<FakeOpenAIMode>([
    'wrong_dimension',
    'nan',
    'infinite',
    'not_numbers',
    'too_few',
    'too_many',
    'html',
  ])('by %s fails the source at once, and nothing of it is stored', async (mode) => {
    failCalls((call) => call === 7, mode);
    const sourceId = await addSource(projectId);
    await runAttempts(1);
    expect(await readSource(projectId, sourceId)).toMatchObject({
      status: 'failed',
      error: { code: 'embedding_failed' },
    });
    expect(calls).toBe(7);
    expect(await countRows(projectId)).toEqual({ chunks: 0, embeddings: 0, segments: 0 });
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
    const other = await app.createProject(token);
    failCalls(() => true, 'reordered');
    await addSource(other);
    await runAttempts(1);
    expect(await vectorsOf(other)).toEqual(await vectorsOf(projectId));
  });

  it('while it is indexed anew leaves what was seen before', async () => {
    failCalls(() => false, 'normal');
    const sourceId = await addSource(projectId);
    await runAttempts(1);
    await app.ctx.db
      .update(documents)
      .set({ contentHash: 'changed', indexKey: 'changed' })
      .where(eq(documents.projectId, projectId));
    await app.ctx.db.delete(embeddings).where(eq(embeddings.projectId, projectId));
    failCalls((call) => call >= 7, 'wrong_dimension');
    await app.request('POST', `/v1/projects/${projectId}/sources/${sourceId}/sync`, { token });
    await runAttempts(1);
    expect((await readSource(projectId, sourceId)).status).toBe('failed');
    expect(await countRows(projectId)).toMatchObject({ chunks: CHUNKS, segments: CHUNKS / BATCH_SIZE });
  });
});
