import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { startFakeOpenAI } from '#test/fakes/fake-openai.js';

interface Result {
  title: string;
  text: string;
  score: number;
  scores: { semantic: number | null; keyword: number | null };
}

function searchIn(app: TestApp, token: string, projectId: string) {
  return async (body: object): Promise<Result[]> =>
    (await app.request('POST', `/v1/projects/${projectId}/search`, { token, body })).body.results;
}

describe('search by words', () => {
  let app: TestApp;
  let search: ReturnType<typeof searchIn>;

  beforeAll(async () => {
    app = await createTestApp();
    const { token } = await app.register();
    const projectId = await app.createProject(token);
    const texts = {
      Delivery: 'Parcels leave the roastery every morning and arrive within two days.',
      Versand:
        'Pakete verlassen die Rösterei jeden Morgen und kommen binnen zwei Tagen an. Die Lieferung ist versichert.',
      配送: '包裹每天早上离开烘焙厂，两天内送达。',
      การจัดส่ง: 'พัสดุออกจากโรงคั่วทุกเช้าและมาถึงภายในสองวัน',
      Доставка: 'Посылки отправляются из обжарочной каждое утро и приходят за два дня.',
    };
    for (const [name, text] of Object.entries(texts)) {
      await app.addSource(token, projectId, { type: 'text', name, text });
    }
    search = searchIn(app, token, projectId);
  });
  afterAll(() => app.close());

  it.each([
    ['When do parcels arrive?', 'Delivery'],
    ['Ist meine Lieferungen versichert', 'Versand'],
    ['rosterei', 'Versand'],
    ['包裹什么时候送达', '配送'],
    ['พัสดุมาถึงเมื่อไหร่', 'การจัดส่ง'],
    ['посылка утром', 'Доставка'],
  ])('finds %j in its language', async (query, title) => {
    expect((await search({ query }))[0]?.title).toBe(title);
  });

  it('gives scores between 0 and 1.2 that fall, and obeys topK and minScore', async () => {
    const results = await search({ query: 'parcels roastery morning Pakete' });
    expect(results.map(({ score }) => score)).toEqual(
      results.map(({ score }) => score).toSorted((a, b) => b - a),
    );
    expect(results.every(({ score }) => score > 0 && score <= 1.2)).toBe(true);
    expect(results.every(({ scores }) => scores.semantic === null)).toBe(true);
    expect(await search({ query: 'parcels roastery morning Pakete', topK: 1 })).toHaveLength(1);
    expect(await search({ query: 'parcels and zebras in Antarctica', minScore: 0.9 })).toEqual([]);
  });

  it('finds nothing for words that nothing holds, and for signs alone', async () => {
    expect(await search({ query: 'xylophone' })).toEqual([]);
    expect(await search({ query: '???' })).toEqual([]);
  });
});

describe('search by meaning', () => {
  it('uses the vectors of its own model, and fuses both legs', async () => {
    const fake = await startFakeOpenAI({ dimensions: 64 });
    const app = await createTestApp({
      environment: { OPENAI_BASE_URL: fake.baseUrl, OPENAI_EMBEDDING_DIMENSIONS: '64' },
    });
    const { token } = await app.register();
    const projectId = await app.createProject(token);
    for (const text of ['The kettle is red.', 'The grinder is blue.', 'The scale is green.']) {
      await app.addSource(token, projectId, { type: 'text', name: text, text });
    }
    await app.ctx.db.execute(
      `insert into embeddings (id, project_id, chunk_id, model, dimensions, embedding)
        select gen_random_uuid(), project_id, chunk_id, 'another-model', 3, '[1,2,3]' from embeddings`,
    );
    const search = searchIn(app, token, projectId);
    const semantic = await search({ query: 'The grinder is blue.', mode: 'semantic' });
    expect(semantic[0]).toMatchObject({ text: 'The grinder is blue.', scores: { keyword: null } });
    expect(semantic[0]?.scores.semantic).toBeGreaterThan(0.6);
    const hybrid = await search({ query: 'blue grinder' });
    expect(hybrid[0]?.text).toBe('The grinder is blue.');
    expect(hybrid[0]?.scores.keyword).toBeGreaterThan(0.5);
    expect(hybrid[0]?.scores.semantic).toBeGreaterThan(0);
    expect((await search({ query: 'blue grinder', mode: 'keyword' }))[0]?.scores.semantic).toBeNull();
    await app.close();
    await fake.close();
  });
});

const XQUAD = new URL('../../../../../shared/data/ir/xquad-en/', import.meta.url);

describe.skipIf(!existsSync(XQUAD))('on XQuAD (skipped: ../shared is not there)', () => {
  const linesOf = (name: string) =>
    gunzipSync(readFileSync(new URL(name, XQUAD)))
      .toString()
      .trim()
      .split('\n');
  const read = (name: string) =>
    linesOf(name).map((line) => JSON.parse(line) as { _id: string; title?: string; text: string });

  it('finds the paragraph of most questions first', async () => {
    const app = await createTestApp();
    const { token } = await app.register();
    const projectId = await app.createProject(token);
    const corpus = read('corpus.jsonl.gz').slice(0, 60);
    for (const { _id, text } of corpus)
      await app.addSource(token, projectId, { type: 'text', name: _id, text });
    const judgements = linesOf('qrels.tsv.gz').slice(1);
    const answers = new Map(
      judgements
        .map((line) => line.split('\t') as [string, string, string])
        .map(([id, paragraph]) => [id, paragraph]),
    );
    const ids = new Set(corpus.map(({ _id }) => _id));
    const questions = read('queries.jsonl.gz')
      .filter(({ _id }) => ids.has(answers.get(_id) ?? ''))
      .slice(0, 100);
    const search = searchIn(app, token, projectId);
    let found = 0;
    for (const { _id, text } of questions) {
      const [best] = await search({ query: text, topK: 1 });
      if (best?.title === answers.get(_id)) found += 1;
    }
    expect(questions).toHaveLength(100);
    expect(found).toBeGreaterThanOrEqual(90);
    await app.close();
  });
});
