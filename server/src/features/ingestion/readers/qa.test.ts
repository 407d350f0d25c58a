import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { type FakeOpenAI, startFakeOpenAI } from '#test/fakes/fake-openai.js';

interface Pair {
  question: string;
  answer: string;
}

const REFUND: Pair = {
  question: 'How long does a refund take?',
  answer: 'A refund takes **five working days**. It goes to the card that was used.',
};
const PARCEL: Pair = { question: 'What does a parcel cost?', answer: 'A parcel costs €4.90 in the country.' };
/** It speaks of refunds more than the answer does. */
const HANDBOOK =
  'How long a refund takes: a refund may take long. A long refund is a refund that takes long, and long refunds do take a refund.';

let app: TestApp;
let fake: FakeOpenAI;
let token: string;
let projectId: string;

beforeAll(async () => {
  fake = await startFakeOpenAI({ dimensions: 64 });
  app = await createTestApp({
    environment: { OPENAI_BASE_URL: fake.baseUrl, OPENAI_EMBEDDING_DIMENSIONS: '64' },
  });
});
afterAll(async () => {
  await app.close();
  await fake.close();
});
beforeEach(async () => {
  fake.set({ mode: 'normal' });
  ({ token } = await app.register());
  projectId = await app.createProject(token);
});

const sourcesPath = () => `/v1/projects/${projectId}/sources`;
const post = (path: string, body: unknown) => app.request('POST', path, { token, body });
const addPairs = async (pairs: Pair[], name = 'Questions') => {
  const source = await app.addSource(token, projectId, { type: 'qa', name, pairs });
  expect(source).toMatchObject({
    type: 'qa',
    name,
    status: 'ready',
    pairCount: pairs.length,
    documentCount: 1,
    chunkCount: pairs.length,
  });
  return source;
};
const search = async (query: string, settings: object = {}) => {
  const { status, body } = await post(`/v1/projects/${projectId}/search`, { query, ...settings });
  expect(status).toBe(200);
  return body.results as { sourceId: string; heading: string; text: string; score: number }[];
};
const ask = async (message: string) => {
  const { status, body } = await post(`/v1/projects/${projectId}/chat`, { message });
  expect(status).toBe(200);
  return body.message;
};
const requestsTo = (path: string) => fake.requests.filter((request) => request.path.endsWith(path));
const embeddedTexts = () => requestsTo('/embeddings').flatMap(({ body }) => body['input'] as string[]);

/** The answer to the letter, by nobody but its owner, with a citation that holds. */
async function expectAnswer(message: string, answer: string): Promise<void> {
  const calls = requestsTo('/chat/completions').length;
  const told = await ask(message);
  expect(told).toMatchObject({
    status: 'complete',
    content: `${answer} [1]`,
    model: 'builtin',
    confidence: 'high',
    refusal: null,
    notices: [],
    usage: { inputTokens: 0, outputTokens: 0 },
  });
  expect(told.citations).toHaveLength(1);
  const [citation] = told.citations;
  expect(citation).toMatchObject({ index: 1, quote: answer });
  const path = `/v1/projects/${projectId}/documents/${citation.documentId}`;
  const { body: document } = await app.request('GET', path, { token });
  expect(document.content.slice(citation.start, citation.end)).toBe(answer);
  expect(requestsTo('/chat/completions')).toHaveLength(calls);
}

/** The answer was written by the chat model. */
async function expectModelAsked(message: string) {
  const calls = requestsTo('/chat/completions').length;
  const told = await ask(message);
  expect(requestsTo('/chat/completions')).toHaveLength(calls + 1);
  return told;
}

describe('a question that was answered beforehand', () => {
  it('gets that answer to the letter, whatever its case, punctuation and white space', async () => {
    await addPairs([PARCEL, REFUND]);
    await app.addSource(token, projectId, { type: 'text', name: 'Handbook', text: HANDBOOK });
    for (const message of [
      REFUND.question,
      'how long does a refund take',
      'HOW LONG DOES A REFUND TAKE?!',
      '  How  long\ndoes a\trefund take …  ',
      'How long, does a refund take?',
    ]) {
      await expectAnswer(message, REFUND.answer);
    }
    await expectAnswer(PARCEL.question, PARCEL.answer);
  });

  it('gets it over a stream too', async () => {
    await addPairs([REFUND]);
    const { body } = await post(`/v1/projects/${projectId}/chat`, { message: REFUND.question, stream: true });
    const events = (body as string)
      .split('\n\n')
      .filter((frame) => frame.startsWith('id: '))
      .map((frame) => frame.split('\n'))
      .map(([, name = '', data = '']) => ({ name: name.slice(7), data: JSON.parse(data.slice(6)) }));
    expect(events.map(({ name }) => name)).toEqual(['start', 'delta', 'citations', 'done']);
    expect(events[1]?.data.text).toBe(`${REFUND.answer} [1]`);
    expect(events[2]?.data.citations).toMatchObject([{ index: 1, quote: REFUND.answer }]);
    expect(events[3]?.data.message).toMatchObject({ status: 'complete', content: `${REFUND.answer} [1]` });
    expect(requestsTo('/chat/completions')).toHaveLength(0);
  });

  it('gets it though no model can be reached', async () => {
    await addPairs([REFUND]);
    fake.set({ mode: 'server_error' });
    expect(await ask(REFUND.question)).toMatchObject({
      status: 'complete',
      content: `${REFUND.answer} [1]`,
      model: 'builtin',
    });
  });

  it('finds it first in a search, as sure as can be, whatever else there is', async () => {
    const { id } = await addPairs([PARCEL, REFUND]);
    await app.addSource(token, projectId, { type: 'text', name: 'Handbook', text: HANDBOOK });
    for (const mode of ['hybrid', 'semantic', 'keyword']) {
      const results = await search('how long does a refund take', { mode });
      expect(results[0]).toMatchObject({ sourceId: id, heading: REFUND.question, score: 1 });
      expect(results[0]?.text).toBe(`${REFUND.question}\n\n${REFUND.answer}`);
      expect(results.length).toBeGreaterThan(1);
      const texts = results.map(({ text }) => text);
      expect(new Set(texts).size).toBe(texts.length);
    }
    expect(await search(REFUND.question, { topK: 1 })).toMatchObject([{ sourceId: id, score: 1 }]);
    expect(await search(REFUND.question, { minScore: 1 })).toMatchObject([{ sourceId: id, score: 1 }]);
  });

  it.each([
    ['a marker of its own', 'See rule [2], and [1] before it.'],
    ['a list', '- **one**\n- [two](https://example.com/a_b)\n\n1. three\n   - four'],
    ['code', 'Run it:\n\n```sh\nnpm ci  &&\tnpm test\n\n# twice\n```\n\nThen look.'],
    ['a table', '| Size | Price |\n| ---- | ----- |\n| S    | €4.90 |\n\nAll with tax.'],
    ['signs', 'Ça coûte “4,90 €” – ½ off 👩‍👩‍👧 & <b>more</b> \\o/ $x^2$'],
    ['an answer of a model', 'NO_ANSWER'],
    ['no more than a letter', 'A'],
  ])('gets %s as it was written', async (_name, answer) => {
    await addPairs([PARCEL, { question: 'What is written here?', answer }, REFUND]);
    await expectAnswer('What is written here?', answer);
    await expectAnswer(REFUND.question, REFUND.answer);
  });

  it.each([
    ['code', 'Run it:\n\n```sh\nnpm ci\n```'],
    ['a table', '| Size | Price |\n| ---- | ----- |\n| S    | €4.90 |'],
  ])(
    'gets an answer that ends with %s with its marker below it, so that it stays that',
    async (_name, answer) => {
      await addPairs([{ question: 'What is written here?', answer }]);
      const told = await ask('What is written here?');
      expect(told).toMatchObject({ content: `${answer}\n\n[1]`, citations: [{ index: 1, quote: answer }] });
    },
  );

  it('gets it in the form in which all text is kept: one kind of line end, no blanks that nobody sees', async () => {
    const answer = '\nFirst line.  \r\n\r\n\r\n\u200bSecond\u00a0line.\t\n\n';
    await addPairs([{ question: ' \ufeffWhat is\u200b  written\r\nhere? ', answer }]);
    await expectAnswer('What is written here?', 'First line.\n\nSecond line.');
  });

  it.each([
    ['退款需要多少天？', ['退款需要多少天', ' 退款需要多少天? '], '退款需要五个工作日。', '退款天数'],
    ['送料はいくらですか？', ['送料はいくらですか', '送料はいくらですか。'], '送料は490円です。', '送料'],
    ['¿Cuánto tarda un reembolso?', ['cuánto tarda un reembolso'], 'Tarda cinco días.', 'tarda reembolso'],
  ])('gets it for %j', async (question, variants, answer, words) => {
    await addPairs([REFUND, { question, answer }]);
    for (const message of [question, ...variants]) await expectAnswer(message, answer);
    expect((await search(words))[0]).toMatchObject({ heading: question });
  });

  it('gets it in a project of a language whose small letters are its own', async () => {
    projectId = (await post('/v1/projects', { name: 'Türkçe', language: 'tr' })).body.id;
    const pairs = [
      { question: 'IBAN nedir?', answer: 'Hesap numarasıdır.' },
      { question: 'İade ne kadar sürer?', answer: 'Beş iş günü.' },
    ];
    await addPairs(pairs);
    for (const { question, answer } of pairs) await expectAnswer(question, answer);
    await expectAnswer('iade ne kadar sürer', 'Beş iş günü.');
    await expectAnswer('iban nedir', 'Hesap numarasıdır.');
  });

  it('in other words is found and left to the model', async () => {
    await addPairs([PARCEL, REFUND]);
    expect((await search('refund duration, how many days does it take'))[0]).toMatchObject({
      heading: REFUND.question,
    });
    const told = await expectModelAsked('When do I have my refund on my card?');
    expect(told.citations).toMatchObject([{ heading: REFUND.question }]);
    // A word more or less may turn it around.
    await expectModelAsked('How long does a refund not take?');
  });
});

describe('the questions of a source', () => {
  it('are replaced by others, of which only those that are new are embedded', async () => {
    const source = await addPairs([PARCEL, REFUND]);
    const path = `${sourcesPath()}/${source.id}`;
    const patch = async (pairs: Pair[]) => {
      const before = embeddedTexts().length;
      const { status, body } = await app.request('PATCH', path, { token, body: { pairs } });
      expect([status, body.pairCount]).toEqual([200, pairs.length]);
      expect(['queued', 'processing']).toContain(body.status);
      await app.runJobs();
      const texts = embeddedTexts().slice(before);
      const { lastSync, chunkCount } = (await app.request('GET', path, { token })).body;
      expect([chunkCount, lastSync.embeddedChunks]).toEqual([pairs.length, texts.length]);
      return { texts, lastSync };
    };
    const shorter = { ...REFUND, answer: 'A refund takes three days.' };
    const closing = { question: 'When do you close?', answer: 'At six.' };
    const first = await patch([shorter, PARCEL, closing]);
    expect(first.lastSync).toMatchObject({ added: 0, changed: 1, unchanged: 0 });
    expect(first.texts).toHaveLength(2);
    expect(first.texts.join()).not.toContain(PARCEL.answer);
    await expectAnswer(REFUND.question, shorter.answer);
    await expectAnswer(closing.question, closing.answer);
    await expectAnswer(PARCEL.question, PARCEL.answer);

    expect((await patch([closing, PARCEL])).texts).toEqual([]);
    await expectAnswer(PARCEL.question, PARCEL.answer);
    expect((await search(REFUND.question)).map(({ heading }) => heading)).not.toContain(REFUND.question);
    expect((await ask(REFUND.question)).content).not.toContain('refund takes');
    expect((await patch([closing, PARCEL])).lastSync).toMatchObject({ changed: 0, unchanged: 1 });
    const renamed = await app.request('PATCH', path, { token, body: { name: 'Answers' } });
    expect(renamed.body).toMatchObject({ name: 'Answers', pairCount: 2 });
  });

  it('are others though their text, put together, is the same', async () => {
    const source = await addPairs([{ question: 'One?', answer: 'First.\n\nTwo?\n\nSecond.' }]);
    expect((await search('Two?')).map(({ score }) => score)).not.toContain(1);
    const pairs = [
      { question: 'One?', answer: 'First.' },
      { question: 'Two?', answer: 'Second.' },
    ];
    await app.request('PATCH', `${sourcesPath()}/${source.id}`, { token, body: { pairs } });
    await app.runJobs();
    await expectAnswer('One?', 'First.');
    await expectAnswer('Two?', 'Second.');
  });

  it('are answered by the newer of two sources, and by the older when the newer is deleted', async () => {
    const older = await addPairs([REFUND], 'Older');
    const newer = await addPairs([{ question: 'how long does a refund take', answer: 'Two days.' }], 'Newer');
    await expectAnswer(REFUND.question, 'Two days.');
    expect(await app.request('DELETE', `${sourcesPath()}/${newer.id}`, { token })).toMatchObject({
      status: 204,
    });
    await expectAnswer(REFUND.question, REFUND.answer);
    await app.request('DELETE', `${sourcesPath()}/${older.id}`, { token });
    await app.runJobs();
    expect(await search(REFUND.question)).toEqual([]);
    expect((await ask(REFUND.question)).refusal).toMatchObject({ reason: 'no_match' });
  });

  it('are answered by the last of two with the same question in one source', async () => {
    await addPairs([REFUND, PARCEL, { question: 'HOW LONG DOES A REFUND TAKE', answer: 'Two days.' }]);
    await expectAnswer(REFUND.question, 'Two days.');
  });

  it('answer nobody of another project or account', async () => {
    await addPairs([REFUND]);
    const asksElsewhere = async () => {
      projectId = await app.createProject(token);
      await addPairs([PARCEL]);
      expect((await search(REFUND.question)).map(({ heading }) => heading)).not.toContain(REFUND.question);
      const told = await ask(REFUND.question);
      expect(told.content).not.toContain('working days');
      expect(JSON.stringify(told.citations)).not.toContain('working days');
    };
    await asksElsewhere();
    ({ token } = await app.register());
    await asksElsewhere();
  });
});

describe('what is no list of questions and answers', () => {
  it.each<[string, object, string]>([
    ['a blank question', { pairs: [{ question: ' \n', answer: 'A' }] }, 'pairs.0.question'],
    ['a blank answer', { pairs: [REFUND, { question: 'Q?', answer: '\t ' }] }, 'pairs.1.answer'],
    ['no answer', { pairs: [{ question: 'Q?' }] }, 'pairs.0.answer'],
    ['an unknown field', { pairs: [{ ...REFUND, note: 'x' }] }, 'pairs.0'],
    ['no pair', { pairs: [] }, 'pairs'],
    ['too many', { pairs: Array.from({ length: 5_001 }, () => REFUND) }, 'pairs'],
    ['too long a question', { pairs: [{ question: 'q'.repeat(1_001), answer: 'A' }] }, 'pairs.0.question'],
    ['too long an answer', { pairs: [{ question: 'Q?', answer: 'a'.repeat(8_001) }] }, 'pairs.0.answer'],
    ['NUL', { pairs: [{ question: 'Q?', answer: 'a\u0000' }] }, 'pairs.0.answer'],
    ['a text', { pairs: 'How? So.' }, 'pairs'],
    ['nothing', {}, 'pairs'],
  ])('is refused with 400 for %s, when it is added and when it is changed', async (_name, fields, path) => {
    const body = { type: 'qa', name: 'Questions', ...fields };
    const refused = await post(sourcesPath(), body);
    expect(refused.status).toBe(400);
    expect(refused.body.errors[0].path).toBe(path);
    if (!('pairs' in fields)) return;
    const { id } = await addPairs([REFUND]);
    const patched = await app.request('PATCH', `${sourcesPath()}/${id}`, { token, body: fields });
    expect([patched.status, patched.body.errors[0].path]).toEqual([400, path]);
    await expectAnswer(REFUND.question, REFUND.answer);
  });

  it('is refused for fields of other sources, and other sources refuse pairs', async () => {
    for (const field of [
      { text: 'A' },
      { url: 'https://example.com/' },
      { crawl: {} },
      { syncEvery: '1d' },
    ]) {
      const body = { type: 'qa', name: 'Questions', pairs: [REFUND], ...field };
      expect((await post(sourcesPath(), body)).status).toBe(400);
    }
    const text = await app.addSource(token, projectId, { type: 'text', name: 'Text', text: 'A text.' });
    const path = `${sourcesPath()}/${text.id}`;
    const patched = await app.request('PATCH', path, { token, body: { pairs: [REFUND] } });
    expect([patched.status, patched.body.errors]).toMatchObject([400, [{ path: 'pairs' }]]);
    expect((await app.request('GET', path, { token })).body).toMatchObject({ type: 'text', pairCount: null });
    const { id } = await addPairs([REFUND]);
    const timed = await app.request('PATCH', `${sourcesPath()}/${id}`, { token, body: { syncEvery: '1d' } });
    expect([timed.status, timed.body.errors]).toMatchObject([400, [{ path: 'syncEvery' }]]);
    const withPairs = { type: 'text', name: 'Text', text: 'A', pairs: [REFUND] };
    expect((await post(sourcesPath(), withPairs)).status).toBe(400);
  });

  it('fails with the reason where it is only invisible', async () => {
    const pairs = [{ question: '\u200b', answer: '\u00ad\u2060' }];
    const source = await app.addSource(token, projectId, { type: 'qa', name: 'Questions', pairs });
    expect(source).toMatchObject({ status: 'failed', error: { code: 'empty' }, chunkCount: 0 });
  });
});
