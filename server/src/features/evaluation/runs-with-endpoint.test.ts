import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { type EvaluatedProject, fillProject, newSet, start } from '#test/evaluated-project.js';
import { startFakeOpenAI } from '#test/fakes/fake-openai.js';

describe('a run with a model endpoint', () => {
  let app: TestApp;
  let fake: Awaited<ReturnType<typeof startFakeOpenAI>>;
  let project: EvaluatedProject;
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

  it('shows the model as many passages as a variant says', async () => {
    const question = 'Which warranty has the grinder under the desk of Ada?';
    const set = await newSet(app, project, [{ question, expectation: 'answer' }]);
    const before = fake.requests.length;
    await start(app, project, set, { variants: [{}, { topK: 1 }] });
    await app.runJobs();
    const asked = fake.requests.slice(before).filter((request) => request.path.endsWith('/chat/completions'));
    const sourceCount = (body: unknown) => JSON.stringify(body).match(/<source_[\da-f]+ number=/gu)?.length;
    expect(asked.map(({ body }) => sourceCount(body))).toEqual([3, 1]);
  });

  it('asks a follow-up from feedback after what had been said before it', async () => {
    const { base, token } = project;
    const ask = async (body: object) => (await app.request('POST', `${base}/chat`, { token, body })).body;
    const question = 'What is the office dog called?';
    const followUp = 'Under whose desk does Biscuit sleep?';
    const { conversationId } = await ask({ message: question });
    const { message } = await ask({ message: followUp, conversationId });
    await ask({ message: 'What does a parcel within the country cost?', conversationId });
    const down = { token, body: { rating: 'down' } };
    await app.request('POST', `${base}/messages/${String(message.id)}/feedback`, down);
    const made = await app.request('POST', `${base}/test-sets`, { token, body: { name: 'Feedback' } });
    const set = `${base}/test-sets/${String(made.body.id)}`;
    await app.request('POST', `${set}/cases/from-feedback`, { token });
    await start(app, project, set);
    await app.runJobs();
    const messages = fake.requests.at(-1)?.body['messages'] as { role: string; content: string }[];
    expect(messages.slice(1).map(({ content }) => content)).toEqual([
      question,
      'The office dog is called Biscuit.',
      expect.stringContaining(followUp),
    ]);
  });

  it('goes on where it was when the model comes back', async () => {
    const { token } = project;
    const parcel = { question: 'What does a parcel within the country cost?', expectation: 'answer' };
    const set = await newSet(app, project, [
      { question: 'What is the office dog called?', expectation: 'answer' },
      parcel,
    ]);
    const run = await start(app, project, set);
    const before = fake.requests.length;
    const isOfParcel = ({ body }: { body: unknown }) => JSON.stringify(body).includes(parcel.question);
    fake.set({ mode: (request) => (isOfParcel(request) ? 'bad_request' : 'normal') });
    await app.runJobs();
    expect(await get(run)).toMatchObject({ progress: { done: 1, total: 2 }, metrics: null });
    expect((await get(`${run}/results`)).data).toHaveLength(1);
    fake.set({ mode: 'normal' });
    app.clock.advance(600_000);
    await app.runJobs();
    expect(await get(run)).toMatchObject({
      status: 'complete',
      progress: { done: 2, total: 2 },
      metrics: [{ cases: 2, answered: 2, failed: 0 }],
    });
    const asked = fake.requests.slice(before).filter(({ path: to }) => to.endsWith('/chat/completions'));
    expect(asked.map(isOfParcel)).toEqual([false, true, true]);
    expect((await app.request('DELETE', run, { token })).status).toBe(204);
  });

  it('ends as failed, with what can be said of it, when it cannot be run at all', async () => {
    const run = await start(app, project, path);
    await app.ctx.db.execute(sql`
      update evaluation_runs set variants = '7'::jsonb where id = ${run.split('/').at(-1)}`);
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      await app.runJobs();
      app.clock.advance(600_000);
    }
    const { rows } = await app.ctx.db.execute(sql`
      select status, error ->> 'code' as code from evaluation_runs where id = ${run.split('/').at(-1)}`);
    expect(rows).toEqual([{ status: 'failed', code: 'internal' }]);
    await app.request('DELETE', run, { token: project.token });
  });

  it('waits for a model that is away, and at last notes that it failed', async () => {
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
