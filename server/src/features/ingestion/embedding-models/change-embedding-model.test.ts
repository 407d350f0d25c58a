import { and, eq, sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { jobRegistry } from '#app/job-handlers.js';
import { embeddings } from '#db/schema/documents.js';
import { jobs } from '#db/schema/jobs.js';
import { projects } from '#db/schema/projects.js';
import { embeddingModelKey } from '#platform/embedding-model.js';
import { runNextJob } from '#platform/jobs/run-job.js';
import type { Embedder } from '#platform/ports/embedder.js';
import { createEmbedder } from '#providers/embedders/registry.js';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { eventually } from '#test/eventually.js';
import type { FakeOpenAIMode } from '#test/fakes/fake-openai-options.js';
import { type FakeOpenAI, startFakeOpenAI } from '#test/fakes/fake-openai.js';
import { createInstantWaits } from '#test/fakes/instant-waits.js';
import { type TokenGate, createTokenGate } from '#test/fakes/token-gate.js';
import { changeEmbeddingModelJob } from '../ingestion.jobs.js';
import { changeEmbeddingModels } from './change-embedding-model.js';
import { confirmEmbeddingModel, describeEmbeddingModels } from './confirm-embedding-model.js';

interface Model {
  model: string;
  dimensions: number;
}

const OLD: Model = { model: 'text-embedding-3-small', dimensions: 512 };
const NEW: Model = { model: 'text-embedding-3-large', dimensions: 768 };
/** With one text per call the job stores eight vectors at a time. */
const WINDOW = 8;
const SPICES = ['anise', 'basil', 'cumin', 'dill', 'fennel', 'ginger', 'hyssop', 'juniper', 'laurel', 'mint'];
const never = new AbortController().signal;

let app: TestApp;
let fake: FakeOpenAI;
let token: string;
let projectId: string;
let gate: TokenGate;
/** Which requests the fake holds back until the gate opens, and which it fails. */
let isHeld: (model: string, texts: string[]) => boolean;
let failure: (model: string, texts: string[]) => FakeOpenAIMode;

beforeAll(async () => {
  fake = await startFakeOpenAI();
  app = await createTestApp();
  // Every search is made: none is answered by one before it.
  app.ctx.searchCache = {
    fetch: async (_key, signal, compute) => ({ value: (await compute(signal)).value, outcome: 'miss' }),
  };
});
afterAll(async () => {
  await app.close();
  await fake.close();
});

beforeEach(async () => {
  isHeld = () => false;
  failure = () => 'normal';
  gate = createTokenGate();
  let holdsThis = false;
  fake.set({
    mode: ({ body }) => {
      const { model, input } = body as { model: string; input: string[] };
      holdsThis = isHeld(model, input);
      return failure(model, input);
    },
    replyGate: { ...gate, pass: () => (holdsThis ? gate.pass() : Promise.resolve()) },
  });
  restartWith(OLD);
  ({ token } = await app.register());
  projectId = await app.createProject(token);
});
afterEach(async () => {
  gate.open();
  await app.ctx.db.delete(projects);
});

function embedderOf(model: Model): Embedder {
  const embedder = createEmbedder({
    provider: 'openai-compatible',
    baseUrl: fake.baseUrl,
    apiKey: null,
    ...model,
    batchSize: 1,
    timeoutMs: { question: 20_000, passages: 60_000 },
    tryTimeoutMs: 60_000,
    resilience: createInstantWaits(),
  });
  if (embedder === null) throw new Error('no embedder was made');
  return embedder;
}

/** The same database, with another configuration. */
function restartWith(model: Model | null): void {
  app.ctx.embedder = model === null ? null : embedderOf(model);
}

/** One chunk for each spice. */
async function addSpices(spices: string[], owner = { token, projectId }) {
  const pairs = spices.map((spice) => ({
    question: `What about ${spice}?`,
    answer: `The jar of ${spice} stands in row ${spice.length} of the ${spice} shelf.`,
  }));
  const source = await app.addSource(owner.token, owner.projectId, { type: 'qa', name: 'Spices', pairs });
  expect(source).toMatchObject({ status: 'ready', chunkCount: spices.length });
  return source.id as string;
}

async function search(spice: string, owner = { token, projectId }, mode = 'semantic') {
  const before = fake.requests.length;
  const reply = await app.request('POST', `/v1/projects/${owner.projectId}/search`, {
    token: owner.token,
    body: { query: `${spice} jar`, mode, topK: 3 },
  });
  expect(reply.status).toBe(200);
  const results = reply.body.results as { chunkId: string; text: string; score: number }[];
  const askedOf = fake.requests.slice(before).map(({ body }) => String(body['model']));
  return { results, askedOf, best: results[0]?.text ?? '' };
}

const countVectors = ({ model, dimensions }: Model, project = projectId) => {
  const { projectId: ofProject, model: ofModel, dimensions: ofSize } = embeddings;
  return app.ctx.db.$count(
    embeddings,
    and(eq(ofProject, project), eq(ofModel, model), eq(ofSize, dimensions)),
  );
};
const liveModel = async (project = projectId) =>
  (await app.ctx.db.select().from(projects).where(eq(projects.id, project)))[0]?.embeddingModel;
const changeJobs = async (project = projectId) => {
  const ofProject = and(eq(jobs.projectId, project), eq(jobs.type, changeEmbeddingModelJob.type));
  const rows = await app.ctx.db.select({ status: jobs.status }).from(jobs).where(ofProject);
  return rows.map(({ status }) => status);
};
/** Texts that a model was given while `act` ran. */
async function textsFor({ model }: Model, act: () => Promise<unknown>): Promise<string[]> {
  const before = fake.requests.length;
  await act();
  const made = fake.requests.slice(before).filter(({ body }) => body['model'] === model);
  return made.flatMap(({ body }) => body['input'] as string[]);
}
async function change(): Promise<void> {
  await changeEmbeddingModels(app.ctx);
  await app.runJobs();
}

describe('another embedding model', () => {
  it('is not asked by searches at first: they go on with the one before and find the same', async () => {
    await addSpices(SPICES);
    const before = await search('cumin');
    expect(before.best).toContain('cumin');
    restartWith(NEW);
    expect(await search('cumin')).toEqual(before);
    expect(before.askedOf).toEqual([OLD.model]);
    const hybrid = await search('cumin', undefined, 'hybrid');
    expect([hybrid.askedOf, hybrid.results[0]?.chunkId]).toEqual([[OLD.model], before.results[0]?.chunkId]);
  });

  it('is worked towards by one job for each project that has not got it, however often one looks', async () => {
    const other = await app.createProject(token);
    expect(await changeEmbeddingModels(app.ctx)).toBe(0);
    restartWith(NEW);
    const own = await app.createProject(token);
    expect(await changeEmbeddingModels(app.ctx)).toBe(2);
    expect(await changeEmbeddingModels(app.ctx)).toBe(0);
    expect([await changeJobs(), await changeJobs(other), await changeJobs(own)]).toEqual([
      ['queued'],
      ['queued'],
      [],
    ]);
  });

  it('gets its vectors beside searches and sources that come meanwhile, and then takes over', async () => {
    await addSpices(SPICES);
    const before = await search('mint');
    restartWith(NEW);
    // The last two of the ten: the second window of the job.
    isHeld = (model, texts) => model === NEW.model && /laurel|mint/.test(texts.join());
    expect(await changeEmbeddingModels(app.ctx)).toBe(1);
    const changing = app.runJobs();
    await eventually('the first window', async () => ((await countVectors(NEW)) === WINDOW ? true : null));
    expect(await changeEmbeddingModels(app.ctx)).toBe(0);
    expect(await changeJobs()).toEqual(['running']);

    expect(await search('mint')).toEqual(before);
    await addSpices(['nutmeg']);
    expect([await countVectors(OLD), await countVectors(NEW)]).toEqual([SPICES.length + 1, WINDOW + 1]);
    expect(await search('nutmeg')).toMatchObject({
      askedOf: [OLD.model],
      best: expect.stringContaining('nutmeg') as string,
    });
    expect(await liveModel()).toBe(embeddingModelKey(OLD));

    gate.open();
    await changing;
    expect(await liveModel()).toBe(embeddingModelKey(NEW));
    expect(new Set(await changeJobs())).toEqual(new Set(['succeeded']));
    const total = SPICES.length + 1;
    expect([await countVectors(OLD), await countVectors(NEW)]).toEqual([total, total]);
    for (const spice of [...SPICES, 'nutmeg']) {
      expect(await search(spice)).toMatchObject({
        askedOf: [NEW.model],
        best: expect.stringContaining(spice) as string,
      });
    }
    // From now on one model is enough.
    await addSpices(['oregano']);
    expect([await countVectors(OLD), await countVectors(NEW)]).toEqual([total, total + 1]);
    expect(await changeEmbeddingModels(app.ctx)).toBe(0);
  });

  it('has all of them though the job was stopped in the middle, and asks for none twice', async () => {
    await addSpices(SPICES);
    restartWith(NEW);
    failure = (model, texts) => (model === NEW.model && texts.join().includes('mint') ? 'reset' : 'normal');
    const first = await textsFor(NEW, change);
    expect(await countVectors(NEW)).toBe(WINDOW);
    expect(await liveModel()).toBe(embeddingModelKey(OLD));
    failure = () => 'normal';
    const second = await textsFor(NEW, async () => {
      app.clock.advance(3_600_000);
      await app.runJobs();
    });
    expect(await liveModel()).toBe(embeddingModelKey(NEW));
    expect(second).toHaveLength(SPICES.length - WINDOW);
    expect(new Set([...first, ...second]).size).toBe(SPICES.length);
  });

  it('is left at once by configuring the one before, which has its vectors still', async () => {
    await addSpices(SPICES);
    const before = await search('fennel');
    restartWith(NEW);
    await change();
    await addSpices(['nutmeg']);
    restartWith(OLD);
    expect((await search('fennel')).askedOf).toEqual([NEW.model]);
    const embedded = await textsFor(OLD, change);
    // Only what came when it was not used any more.
    expect(embedded).toHaveLength(1);
    expect(embedded[0]).toContain('nutmeg');
    expect(await liveModel()).toBe(embeddingModelKey(OLD));
    expect(await search('fennel')).toEqual(before);

    restartWith(NEW);
    expect(await textsFor(NEW, change)).toEqual([]);
    restartWith(OLD);
    expect(await textsFor(OLD, change)).toEqual([]);
    expect(await liveModel()).toBe(embeddingModelKey(OLD));
  });

  it('is tried again later where it refuses its calls; until then all goes on with the one before', async () => {
    await addSpices(SPICES);
    const before = await search('anise');
    restartWith(NEW);
    failure = (model) => (model === NEW.model ? 'unauthorized' : 'normal');
    await change();
    expect(await changeJobs()).toEqual(['failed']);
    expect([await liveModel(), await countVectors(NEW)]).toEqual([embeddingModelKey(OLD), 0]);
    expect(app.logLines.join('')).toContain('searches go on with the one before');
    expect(await search('anise')).toEqual(before);
    const answer = await app.request('POST', `/v1/projects/${projectId}/chat`, {
      token,
      body: { message: 'What about anise?' },
    });
    expect(answer.body.message).toMatchObject({ status: 'complete', notices: [] });

    failure = () => 'normal';
    expect(await changeEmbeddingModels(app.ctx)).toBe(1);
    await app.runJobs();
    expect((await search('anise')).askedOf).toEqual([NEW.model]);
  });

  it('is not hindered by a document that is deleted while its vectors are made', async () => {
    const gone = await addSpices(['anise', 'basil']);
    await addSpices(['cumin', 'dill']);
    restartWith(NEW);
    isHeld = (model) => model === NEW.model;
    await changeEmbeddingModels(app.ctx);
    const before = fake.requests.length;
    const changing = app.runJobs();
    await fake.whenRequested(before + 4);
    const { status } = await app.request('DELETE', `/v1/projects/${projectId}/sources/${gone}`, { token });
    expect(status).toBe(204);
    gate.open();
    await changing;
    expect(await changeJobs()).toEqual(['succeeded']);
    expect([await countVectors(OLD), await countVectors(NEW)]).toEqual([2, 2]);
    expect(await search('dill')).toMatchObject({
      askedOf: [NEW.model],
      best: expect.stringContaining('dill') as string,
    });
  });

  it('is not hindered by a document that is indexed anew while its vectors are made', async () => {
    const sourceId = await addSpices(['anise', 'basil']);
    restartWith(NEW);
    isHeld = (model, texts) => model === NEW.model && texts.join().includes('anise');
    await changeEmbeddingModels(app.ctx);
    const before = fake.requests.length;
    const changing = app.runJobs();
    await fake.whenRequested(before + 2);
    const pairs = [{ question: 'What about cumin?', answer: 'The jar of cumin stands on the cumin shelf.' }];
    const path = `/v1/projects/${projectId}/sources/${sourceId}`;
    expect((await app.request('PATCH', path, { token, body: { pairs } })).status).toBe(200);
    await app.runJobs();
    gate.open();
    await changing;
    expect(await liveModel()).toBe(embeddingModelKey(NEW));
    expect([await countVectors(OLD), await countVectors(NEW)]).toEqual([1, 1]);
    expect((await search('cumin')).best).toContain('cumin');
  });

  it('leaves nothing of a project that is deleted while its vectors are made', async () => {
    await addSpices(['anise', 'basil']);
    restartWith(NEW);
    isHeld = (model) => model === NEW.model;
    await changeEmbeddingModels(app.ctx);
    const before = fake.requests.length;
    const changing = app.runJobs();
    await fake.whenRequested(before + 2);
    expect((await app.request('DELETE', `/v1/projects/${projectId}`, { token })).status).toBe(204);
    gate.open();
    await changing;
    expect([await countVectors(OLD), await countVectors(NEW)]).toEqual([0, 0]);
  });

  it('is given to a document that an older process was indexing when the project changed over', async () => {
    await addSpices(['anise']);
    const older = app.ctx;
    const newer = { ...app.ctx, embedder: embedderOf(NEW) };
    isHeld = (_model, texts) => texts.join().includes('basil');
    const path = `/v1/projects/${projectId}/sources`;
    const pairs = [{ question: 'What about basil?', answer: 'The jar of basil stands on the basil shelf.' }];
    await app.request('POST', path, { token, body: { type: 'qa', name: 'Late', pairs } });
    const before = fake.requests.length;
    const indexing = app.runJobs();
    await fake.whenRequested(before + 1);
    await changeEmbeddingModels(newer);
    while (await runNextJob(newer, jobRegistry, 'newer', never));
    expect(await liveModel()).toBe(embeddingModelKey(NEW));
    gate.open();
    await indexing;
    app.clock.advance(3_600_000);
    await app.runJobs();
    expect(older.embedder?.model).toBe(OLD.model);
    expect([await countVectors(OLD), await countVectors(NEW)]).toEqual([2, 2]);
    expect(await search('basil')).toMatchObject({
      askedOf: [NEW.model],
      best: expect.stringContaining('basil') as string,
    });
  });

  it('is the one of a project without chunks at once', async () => {
    restartWith(NEW);
    expect(await textsFor(NEW, change)).toEqual([]);
    expect(await liveModel()).toBe(embeddingModelKey(NEW));
    await addSpices(['anise']);
    expect([await countVectors(OLD), await countVectors(NEW)]).toEqual([0, 1]);
  });

  it('touches nothing of another account, and takes no vectors from it', async () => {
    const stranger = await app.register();
    const foreign = { token: stranger.token, projectId: await app.createProject(stranger.token) };
    await addSpices(SPICES.slice(0, 3), foreign);
    await addSpices(SPICES.slice(0, 3));
    restartWith(NEW);
    const dump = async (project: string) => {
      const tables = ['documents', 'document_chunks', 'embeddings', 'lexical_segments', 'question_answers'];
      const rows = await Promise.all([
        app.ctx.db.execute(sql`select to_jsonb(p) as row from projects p where id = ${project}`),
        ...tables.map((table) =>
          app.ctx.db.execute(
            sql`select to_jsonb(t) as row from ${sql.identifier(table)} t where project_id = ${project} order by 1`,
          ),
        ),
      ]);
      return rows.map((result) => result.rows);
    };
    const untouched = await dump(foreign.projectId);
    await changeEmbeddingModels(app.ctx);
    await app.ctx.db.delete(jobs).where(eq(jobs.projectId, foreign.projectId));
    expect(await textsFor(NEW, () => app.runJobs())).toHaveLength(3);
    expect(await liveModel()).toBe(embeddingModelKey(NEW));
    expect(await dump(foreign.projectId)).toEqual(untouched);
    expect((await search('basil', foreign)).askedOf).toEqual([OLD.model]);
    // Its own change asks for its own vectors, though the same texts were embedded for others.
    expect(await textsFor(NEW, change)).toHaveLength(3);
    expect((await search('basil', foreign)).askedOf).toEqual([NEW.model]);
  });
});

describe('a project that was indexed without an embedding model', () => {
  it('gets vectors once there is one, and finds by words until then', async () => {
    restartWith(null);
    projectId = await app.createProject(token);
    await addSpices(SPICES);
    expect(await changeEmbeddingModels(app.ctx)).toBe(0);
    expect([await liveModel(), await countVectors(OLD)]).toEqual([null, 0]);
    restartWith(OLD);
    expect((await search('ginger', undefined, 'hybrid')).best).toContain('ginger');
    // The empty project that every test has is of this model already.
    expect(await changeEmbeddingModels(app.ctx)).toBe(1);
    await app.runJobs();
    expect([await liveModel(), await countVectors(OLD)]).toEqual([embeddingModelKey(OLD), SPICES.length]);
    expect(await search('ginger')).toMatchObject({
      askedOf: [OLD.model],
      best: expect.stringContaining('ginger') as string,
    });
  });
});

describe('a project that was indexed for a while without its embedding model', () => {
  it('gets the vectors that it lacks once the model is there again', async () => {
    await addSpices(SPICES);
    restartWith(null);
    await addSpices(['nutmeg']);
    expect((await search('nutmeg', undefined, 'hybrid')).best).toContain('nutmeg');
    restartWith(OLD);
    expect(await search('cumin')).toMatchObject({
      askedOf: [OLD.model],
      best: expect.stringContaining('cumin') as string,
    });
    expect(await textsFor(OLD, change)).toHaveLength(1);
    expect([await liveModel(), await countVectors(OLD)]).toEqual([embeddingModelKey(OLD), SPICES.length + 1]);
    expect((await search('nutmeg')).best).toContain('nutmeg');
    expect(await changeEmbeddingModels(app.ctx)).toBe(0);
  });
});

describe('the confirmation of a change', () => {
  it('deletes the vectors of other models only where searches have left them', async () => {
    const stranger = await app.register();
    const stuck = { token: stranger.token, projectId: await app.createProject(stranger.token) };
    await addSpices(['saffron', 'thyme'], stuck);
    await addSpices(SPICES);
    restartWith(NEW);
    expect(await confirmEmbeddingModel(app.ctx)).toBe(0);
    failure = (model, texts) =>
      model === NEW.model && texts.join().includes('thyme') ? 'bad_request' : 'normal';
    await change();
    expect([await liveModel(), await liveModel(stuck.projectId)]).toEqual([
      embeddingModelKey(NEW),
      embeddingModelKey(OLD),
    ]);
    const stateOf = async () => {
      const { configured, projects: rows } = await describeEmbeddingModels(app.ctx);
      expect(configured).toBe(embeddingModelKey(NEW));
      return Object.fromEntries(rows.map(({ projectId: id, missing, old }) => [id, [missing, old]]));
    };
    expect(await stateOf()).toEqual({ [projectId]: [0, SPICES.length], [stuck.projectId]: [2, 2] });
    expect(await confirmEmbeddingModel(app.ctx)).toBe(SPICES.length);
    expect(await stateOf()).toEqual({ [projectId]: [0, 0], [stuck.projectId]: [2, 2] });
    expect([await countVectors(OLD), await countVectors(NEW)]).toEqual([0, SPICES.length]);
    expect(await countVectors(OLD, stuck.projectId)).toBe(2);
    expect(await search('thyme', stuck)).toMatchObject({
      askedOf: [OLD.model],
      best: expect.stringContaining('thyme') as string,
    });
    expect((await search('basil')).best).toContain('basil');

    // There is no way back now but to embed everything again, which holds nothing up either.
    restartWith(OLD);
    expect((await search('basil')).askedOf).toEqual([NEW.model]);
    expect(await textsFor(OLD, change)).toHaveLength(SPICES.length);
    expect(await search('basil')).toMatchObject({
      askedOf: [OLD.model],
      best: expect.stringContaining('basil') as string,
    });
  });

  it('says what to do where no model is configured', async () => {
    restartWith(null);
    await expect(confirmEmbeddingModel(app.ctx)).rejects.toMatchObject({ code: 'not_configured' });
    await expect(describeEmbeddingModels(app.ctx)).rejects.toMatchObject({ code: 'not_configured' });
  });
});
