import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { startFakeOpenAI } from '#test/fakes/fake-openai.js';

const HANDBOOK = `# Deliveries

Orders placed before 11:00 leave the roastery the same day. A parcel within the country costs €4.90.

# Warranty

The hand grinder H2 has a warranty of two years. The electric grinder E5 has a warranty of five years.`;
const DOG = 'The office dog is called Biscuit. Biscuit sleeps under the desk of Ada.';

interface Project {
  base: string;
  token: string;
  handbookId: string;
  dogId: string;
}

async function fillProject(app: TestApp): Promise<Project> {
  const { token } = await app.register();
  const projectId = await app.createProject(token);
  const add = (name: string, text: string) => app.addSource(token, projectId, { type: 'text', name, text });
  const { id: handbookId } = await add('Handbook', HANDBOOK);
  const { id: dogId } = await add('Dog', DOG);
  return { base: `/v1/projects/${projectId}`, token, handbookId, dogId };
}

async function newSet(app: TestApp, { base, token }: Project, cases: object[]): Promise<string> {
  const made = await app.request('POST', `${base}/test-sets`, { token, body: { name: 'Shop' } });
  const path = `${base}/test-sets/${String(made.body.id)}`;
  const added = await app.request('POST', `${path}/cases`, { token, body: { cases } });
  expect(added.status).toBe(201);
  return path;
}

async function start(app: TestApp, { token }: Project, path: string, body?: object): Promise<string> {
  const reply = await app.request('POST', `${path}/runs`, { token, body });
  expect(reply.status).toBe(202);
  return `${path}/runs/${String(reply.body.id)}`;
}

describe('with the built-in model', () => {
  let app: TestApp;
  let project: Project;
  const get = async (path: string) => (await app.request('GET', path, { token: project.token })).body;

  beforeAll(async () => {
    app = await createTestApp();
    project = await fillProject(app);
  });
  afterAll(() => app.close());

  it('runs in the background and measures what came of each case', async () => {
    const { handbookId, dogId } = project;
    const path = await newSet(app, project, [
      {
        question: 'How long is the warranty of the hand grinder H2?',
        expectation: 'answer',
        expectedSourceId: handbookId,
        expectedText: 'warranty of  TWO years',
      },
      // The right source, a text that it does not hold.
      { question: 'What is the office dog called?', expectation: 'answer', expectedText: 'called Rex' },
      // The wrong source.
      {
        question: 'What does a parcel within the country cost?',
        expectation: 'answer',
        expectedSourceId: dogId,
      },
      { question: 'Who won the chess championship in Reykjavik?', expectation: 'refuse' },
      { question: 'Under whose desk does Biscuit sleep?', expectation: 'refuse' },
    ]);
    const run = await start(app, project, path);
    expect(await get(run)).toMatchObject({
      status: 'queued',
      variants: [{}],
      progress: { done: 0, total: 5 },
      metrics: null,
    });
    await app.runJobs();
    const { status, progress, metrics, error } = await get(run);
    expect({ status, progress, error }).toEqual({
      status: 'complete',
      progress: { done: 5, total: 5 },
      error: null,
    });
    expect(metrics).toEqual([
      {
        cases: 5,
        answered: 4,
        refused: 1,
        failed: 0,
        passRate: 0.4,
        hitRate: 1 / 3,
        mrr: 1 / 3,
        citationPrecision: 1 / 3,
        refusalAccuracy: 0.8,
        falseAcceptRate: 0.5,
        answeredShare: 0.8,
        cost: '0.000000000',
        currency: 'USD',
        meanLatencyMs: expect.any(Number),
        p95LatencyMs: expect.any(Number),
        paired: null,
      },
    ]);
    const { data } = await get(`${run}/results`);
    expect(data.map(({ outcomes }: { outcomes: { isPassed: boolean }[] }) => outcomes[0]?.isPassed)).toEqual([
      false,
      true,
      false,
      false,
      true,
    ]);
    expect(data[4]).toMatchObject({
      question: 'How long is the warranty of the hand grinder H2?',
      expectation: 'answer',
      expectedSourceId: handbookId,
      isDifferent: false,
      outcomes: [
        {
          outcome: 'answered',
          refusalReason: null,
          rank: 1,
          content: 'The hand grinder H2 has a warranty of two years. [1]',
          citations: [{ sourceId: handbookId, quote: 'The hand grinder H2 has a warranty of two years.' }],
          passages: [{ sourceId: handbookId, isExpected: true }],
          model: 'builtin',
        },
      ],
    });
    expect(data[1].outcomes[0]).toMatchObject({ outcome: 'refused', refusalReason: 'no_match', rank: null });
    const { rows } = await app.ctx.db.execute(sql`select count(*)::int as count from conversations`);
    expect(rows).toEqual([{ count: 0 }]);
  });

  it('compares two variants case by case, and keeps the project as it is', async () => {
    const path = await newSet(app, project, [
      { question: 'What is the office dog called?', expectation: 'answer' },
      { question: 'Which warranty has the hand grinder under the desk of Ada?', expectation: 'answer' },
      { question: 'Which warranty has the electric grinder under the desk of Ada?', expectation: 'refuse' },
      { question: 'Who won the chess championship in Reykjavik?', expectation: 'refuse' },
    ]);
    const run = await start(app, project, path, { variants: [{}, { minScore: 1, topK: 1 }] });
    await app.runJobs();
    const { metrics, variants, progress } = await get(run);
    expect(variants).toEqual([{}, { minScore: 1, topK: 1 }]);
    expect(progress).toEqual({ done: 8, total: 8 });
    expect(metrics).toMatchObject([
      { answered: 3, falseAcceptRate: 0.5, hitRate: null, citationPrecision: null, paired: null },
      { answered: 1, falseAcceptRate: 0, refusalAccuracy: 0.75, paired: { won: 1, lost: 1, tied: 2 } },
    ]);
    const different = await get(`${run}/results?different=true&limit=1`);
    expect(different.data).toMatchObject([
      {
        isDifferent: true,
        outcomes: [{ isPassed: false }, { isPassed: true, refusalReason: 'low_confidence' }],
      },
    ]);
    const rest = await get(`${run}/results?different=true&cursor=${String(different.nextCursor)}`);
    expect(rest.data).toMatchObject([{ outcomes: [{ isPassed: true }, { isPassed: false }] }]);
    expect(rest.nextCursor).toBeNull();
    const [first] = (await get(`${run}/results`)).data.slice(-1);
    expect(first.outcomes[0].passages).toHaveLength(1);
    expect(await get(project.base)).toMatchObject({ minScore: null, topK: 8 });
    expect((await get(`${path}/runs`)).data).toMatchObject([{ metrics }]);
  });

  it('asks a follow-up from feedback after what had been said before it', async () => {
    const { base, token } = project;
    const ask = async (body: object) => (await app.request('POST', `${base}/chat`, { token, body })).body;
    const { conversationId } = await ask({ message: 'What is the office dog called?' });
    const { message } = await ask({ message: 'And where?', conversationId });
    const rating = { rating: 'down' };
    await app.request('POST', `${base}/messages/${message.id}/feedback`, { token, body: rating });
    const path = await newSet(app, project, [{ question: 'Who?', expectation: 'refuse' }]);
    await app.request('POST', `${path}/cases/from-feedback`, { token });
    const run = await start(app, project, path);
    await app.request('DELETE', `${base}/conversations/${conversationId}`, { token });
    await app.runJobs();
    expect(await get(run)).toMatchObject({ status: 'complete', metrics: [{ cases: 2 }] });
  });

  it('takes the cases that the set had when it was started', async () => {
    const question = 'What is the office dog called?';
    const path = await newSet(app, project, [
      { question, expectation: 'answer' },
      { question, expectation: 'answer' },
    ]);
    const { token } = project;
    const run = await start(app, project, path);
    const [gone] = (await get(`${path}/cases`)).data;
    await app.request('DELETE', `${path}/cases/${String(gone.id)}`, { token });
    const later = { cases: [{ question: 'Later?', expectation: 'refuse' }] };
    await app.request('POST', `${path}/cases`, { token, body: later });
    await app.runJobs();
    expect(await get(run)).toMatchObject({ status: 'complete', progress: { done: 1, total: 1 } });
  });

  it('is gone with its set, its project or by itself, and its job ends quietly', async () => {
    const other = await fillProject(app);
    const question = { question: 'What is the office dog called?', expectation: 'answer' };
    const own = await newSet(app, project, [question]);
    const run = await start(app, project, own);
    const set = await newSet(app, project, [question]);
    await start(app, project, set);
    await start(app, other, await newSet(app, other, [question]));
    const remove = (path: string, { token }: Project) => app.request('DELETE', path, { token });
    expect((await remove(run, project)).status).toBe(204);
    expect((await remove(run, project)).status).toBe(404);
    expect((await remove(set, project)).status).toBe(204);
    expect((await remove(other.base, other)).status).toBe(204);
    await app.runJobs();
    const { rows } = await app.ctx.db.execute(sql`
      select distinct status, error from jobs where type = 'evaluate-test-set'`);
    expect(rows).toEqual([{ status: 'succeeded', error: null }]);
  });

  it('is refused for an empty set, unknown settings, three variants, and too many at once', async () => {
    const path = await newSet(app, project, [{ question: 'Who?', expectation: 'refuse' }]);
    const { token, base } = project;
    const post = (to: string, body?: object) => app.request('POST', `${to}/runs`, { token, body });
    const empty = await app.request('POST', `${base}/test-sets`, { token, body: { name: 'Empty' } });
    expect((await post(`${base}/test-sets/${String(empty.body.id)}`)).body.code).toBe('unusable_content');
    for (const variants of [[], [{}, {}, {}], [{ name: 'x' }], [{ topK: 0 }]]) {
      expect((await post(path, { variants })).body.code).toBe('validation_failed');
    }
    for (let count = 0; count < 10; count += 1) expect((await post(path)).status).toBe(202);
    expect((await post(path)).body.code).toBe('conflict');
    await app.runJobs();
    expect((await post(path)).status).toBe(202);
  });
});

describe('with a model endpoint', () => {
  let app: TestApp;
  let fake: Awaited<ReturnType<typeof startFakeOpenAI>>;
  let project: Project;
  let path: string;
  const get = async (of: string) => (await app.request('GET', of, { token: project.token })).body;

  beforeAll(async () => {
    fake = await startFakeOpenAI();
    app = await createTestApp({
      environment: {
        OPENAI_API_KEY: 'sk-test',
        OPENAI_BASE_URL: fake.baseUrl,
        OPENAI_CHAT_MODEL_MINI: 'gpt-4.1-mini',
        OPENAI_CHAT_MODEL_PREMIUM: 'gpt-4.1',
      },
    });
    project = await fillProject(app);
    path = await newSet(app, project, [
      {
        question: 'What is the office dog called?',
        expectation: 'answer',
        expectedSourceId: project.dogId,
      },
    ]);
  });
  afterEach(() => fake.set({ mode: 'normal' }));
  afterAll(async () => {
    await app.close();
    await fake.close();
  });

  it('asks the model of each variant with its settings, and adds up the costs', async () => {
    const run = await start(app, project, path, {
      variants: [{}, { model: 'premium', systemPrompt: 'Speak like a pirate.', temperature: 0.25 }],
    });
    const before = fake.requests.length;
    await app.runJobs();
    const asked = fake.requests.slice(before).filter((request) => request.path.endsWith('/chat/completions'));
    expect(asked.map(({ body }) => body)).toMatchObject([
      { model: 'gpt-4.1-mini' },
      { model: 'gpt-4.1', temperature: 0.25 },
    ]);
    expect(JSON.stringify(asked[0]?.body)).not.toContain('pirate');
    expect(JSON.stringify(asked[1]?.body)).toContain('Speak like a pirate.');
    const { metrics } = await get(run);
    expect(metrics).toMatchObject([
      { hitRate: 1, mrr: 1, citationPrecision: 1, passRate: 1, falseAcceptRate: null },
      { hitRate: 1, citationPrecision: 1, paired: { won: 0, lost: 0, tied: 1 } },
    ]);
    const [{ outcomes }] = (await get(`${run}/results`)).data;
    expect(outcomes).toMatchObject([{ model: 'gpt-4.1-mini' }, { model: 'gpt-4.1' }]);
    for (const index of [0, 1]) {
      expect(Number(metrics[index].cost)).toBeGreaterThan(0);
      expect(metrics[index].cost).toBe(outcomes[index].cost);
    }
  });

  it('waits for a model that is away, goes on where it was, and at last says that it failed', async () => {
    const run = await start(app, project, path);
    fake.set({ mode: 'bad_request' });
    for (let attempt = 1; attempt < 5; attempt += 1) {
      await app.runJobs();
      expect(await get(run)).toMatchObject({ status: 'queued', progress: { done: 0, total: 1 } });
      app.clock.advance(600_000);
    }
    await app.runJobs();
    expect(await get(run)).toMatchObject({
      status: 'complete',
      metrics: [
        { answered: 0, refused: 0, failed: 1, passRate: 0, hitRate: 1, refusalAccuracy: 0, answeredShare: 0 },
      ],
    });
    const [{ outcomes }] = (await get(`${run}/results`)).data;
    expect(outcomes).toMatchObject([{ outcome: 'failed', isPassed: false, rank: 1 }]);
  });
});
