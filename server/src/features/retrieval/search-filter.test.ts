import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Reply, type TestApp, createTestApp } from '#test/create-test-app.js';
import { type FakeOpenAI, startFakeOpenAI } from '#test/fakes/fake-openai.js';

/** More than a leg gives at once, each a better match than what the filters ask for. */
const CROWD = 150;
const WANTED = 12;

describe('a search with a filter', () => {
  let fake: FakeOpenAI;
  let app: TestApp;
  let token: string;
  let projectId: string;
  const sources: Record<string, string> = {};

  const search = (body: object): Promise<Reply> =>
    app.request('POST', `/v1/projects/${projectId}/search`, { token, body });
  const titlesOf = async (body: object): Promise<string[]> =>
    (await search(body)).body.results.map(({ title }: { title: string }) => title);

  beforeAll(async () => {
    fake = await startFakeOpenAI({ dimensions: 32 });
    app = await createTestApp({
      environment: { OPENAI_BASE_URL: fake.baseUrl, OPENAI_EMBEDDING_DIMENSIONS: '32' },
    });
    ({ token } = await app.register());
    projectId = await app.createProject(token);
    const add = async (name: string, body: object) => {
      sources[name] = (await app.addSource(token, projectId, { name, ...body })).id;
    };
    const number = (_: unknown, index: number) => index;
    const pairs = Array.from({ length: CROWD }, number).map((index) => ({
      question: `Zebra ${index}?`,
      answer: 'Zebra grinder.',
    }));
    await add('crowd', { type: 'qa', pairs, metadata: { team: 'sales' } });
    for (const index of Array.from({ length: WANTED }, number)) {
      const text = `In chapter ${index} of the long manual of the roastery a zebra is named only once, between other animals.`;
      await add(`manual ${index}`, { type: 'text', text, metadata: { team: 'roastery', shelf: { row: 2 } } });
    }
    const german = 'Die Mühle für Espresso heißt Zebra, und sie steht seit vielen Jahren in der Rösterei.';
    await add('Mühle', { type: 'text', text: german, metadata: { team: 'Rösterei', tags: ['old', 'big'] } });
  });
  afterAll(async () => {
    await app.close();
    await fake.close();
  });

  it.each(['hybrid', 'keyword', 'semantic'])('gives as many as asked, where there are: %s', async (mode) => {
    const query = 'zebra grinder';
    const all = await titlesOf({ query, mode, topK: WANTED });
    expect(all.filter((title) => title.startsWith('manual'))).toEqual([]);
    const manuals = Array.from({ length: WANTED }, (_, index) => `manual ${index}`).toSorted();
    const byTeam = { query, mode, topK: 20, filter: { metadata: { team: 'roastery' } } };
    expect((await titlesOf(byTeam)).toSorted()).toEqual(manuals);
    const ids = manuals.slice(0, 5).map((name) => sources[name]);
    const bySource = { query, mode, topK: 20, filter: { sourceIds: ids } };
    expect((await titlesOf(bySource)).toSorted()).toEqual(manuals.slice(0, 5));
    expect(await titlesOf({ query, mode, topK: 3, filter: { metadata: { team: 'roastery' } } })).toHaveLength(
      3,
    );
    expect(await titlesOf({ query, mode, filter: { languages: ['de'] } })).toEqual(['Mühle']);
  });

  it('compares metadata by what they contain, and all of its parts together', async () => {
    const titles = (filter: object) => titlesOf({ query: 'zebra', mode: 'keyword', topK: 50, filter });
    expect(await titles({ metadata: { tags: ['big'] } })).toEqual(['Mühle']);
    expect(await titles({ metadata: { shelf: { row: 2 } } })).toHaveLength(WANTED);
    expect(await titles({ metadata: { shelf: { row: 3 } } })).toEqual([]);
    expect(await titles({ metadata: { team: 'roastery' }, languages: ['de'] })).toEqual([]);
    expect(await titles({ metadata: { team: 'roastery' }, sourceIds: [sources['manual 3']] })).toEqual([
      'manual 3',
    ]);
    expect(await titles({ sourceIds: ['0192f0a0-0000-7000-8000-000000000000'] })).toEqual([]);
  });

  it('holds for the answer to the very question as well', async () => {
    const found = await search({ query: 'Zebra 7?', topK: 1 });
    expect(found.body.results[0]).toMatchObject({ sourceId: sources['crowd'], score: 1 });
    const elsewhere = await titlesOf({ query: 'Zebra 7?', topK: 3, filter: { languages: ['de'] } });
    expect(elsewhere).toEqual(['Mühle']);
  });

  it.each([
    { sourceIds: [] },
    { sourceIds: ['nonsense'] },
    { languages: ['German'] },
    { languages: [] },
    { metadata: 'team' },
    { teams: ['sales'] },
  ])('is refused where it makes no sense: %j', async (filter) => {
    expect((await search({ query: 'zebra', filter })).status).toBe(400);
  });
});
