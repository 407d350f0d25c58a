import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { type EvaluatedProject, fillProject, newSet, start } from '#test/evaluated-project.js';

describe('a run with the built-in model', () => {
  let app: TestApp;
  let project: EvaluatedProject;
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
          passages: [
            { sourceId: handbookId, isExpected: true },
            { sourceId: handbookId, isExpected: false },
          ],
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

  it('asks a question from feedback on its own when its conversation is gone', async () => {
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
    const remove = (path: string, { token }: EvaluatedProject) => app.request('DELETE', path, { token });
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
