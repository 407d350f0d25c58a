import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';

const PAIRS = [
  { question: 'When do you open?', answer: 'We open at **nine**, except on Mondays.\n\n- Sundays: ten' },
  { question: 'Is there a list [2] of prices?', answer: 'See [2] in the appendix, or ask at the desk.' },
  { question: '退款政策是什么？', answer: '三十天内可以退款。' },
];

let app: TestApp;
let token: string;
let projectId: string;
let sourceId: string;

beforeAll(async () => {
  app = await createTestApp();
  ({ token } = await app.register());
  projectId = await app.createProject(token);
  const source = await app.addSource(token, projectId, { type: 'qa', name: 'Questions', pairs: PAIRS });
  expect(source).toMatchObject({
    status: 'ready',
    type: 'qa',
    pairCount: 3,
    documentCount: 1,
    chunkCount: 3,
  });
  sourceId = source.id;
});
afterAll(() => app.close());

const call = (method: string, path: string, body?: unknown) =>
  app.request(method, `/v1/projects/${projectId}${path}`, { token, body });

async function ask(message: string) {
  const { status, body } = await call('POST', '/chat', { message });
  expect(status).toBe(200);
  return body.message;
}

describe('questions with answers', () => {
  it.each([
    ['When do you open?', 0],
    ['  when do you OPEN ', 0],
    ['Is there a list [2] of prices', 1],
    ['退款政策是什么', 2],
  ])('answer %j to the letter, with the place where it stands', async (question, index) => {
    const answer = PAIRS[index]?.answer ?? '';
    const message = await ask(question);
    expect(message).toMatchObject({
      status: 'complete',
      content: `${answer} [1]`,
      confidence: 'high',
      refusal: null,
      model: 'builtin',
    });
    expect(message.citations).toHaveLength(1);
    const [citation] = message.citations;
    const { body: document } = await call('GET', `/documents/${citation.documentId}`);
    expect(citation).toMatchObject({ index: 1, quote: answer, title: 'Questions' });
    expect(document.content.slice(citation.start, citation.end)).toBe(answer);
  });

  it('go first in a search, and are found in other words too', async () => {
    const found = async (query: string) => (await call('POST', '/search', { query })).body.results;
    expect((await found('When do you open?'))[0]).toMatchObject({ heading: PAIRS[0]?.question, score: 1 });
    const [reworded] = await found('opening hours: open on Mondays?');
    expect(reworded).toMatchObject({ heading: PAIRS[0]?.question });
  });

  it('are replaced by others, the newest of two that are the same question counts', async () => {
    const other = {
      type: 'qa',
      name: 'More',
      pairs: [{ question: 'when do you open', answer: 'At seven.' }],
    };
    const source = await app.addSource(token, projectId, other);
    expect((await ask('When do you open?')).content).toBe('At seven. [1]');
    const pairs = [{ question: 'When do you close?', answer: 'At noon.' }];
    expect(await call('PATCH', `/sources/${source.id}`, { pairs })).toMatchObject({
      status: 200,
      body: { pairCount: 1, status: 'queued' },
    });
    await app.runJobs();
    expect((await ask('When do you close?')).content).toBe('At noon. [1]');
    expect((await ask('When do you open?')).content).toBe(`${PAIRS[0]?.answer} [1]`);
    expect((await call('DELETE', `/sources/${source.id}`)).status).toBe(204);
    expect((await ask('When do you close?')).content).not.toContain('At noon.');
  });

  it('are of their own project alone', async () => {
    const stranger = await app.register();
    const own = await app.createProject(stranger.token);
    const { body } = await app.request('POST', `/v1/projects/${own}/chat`, {
      token: stranger.token,
      body: { message: 'When do you open?' },
    });
    expect(body.message).toMatchObject({ citations: [], refusal: { reason: 'no_match' } });
  });

  it.each([
    [{ pairs: [] }],
    [{ pairs: [{ question: ' ', answer: 'x' }] }],
    [{ pairs: [{ question: 'x', answer: '' }] }],
    [{ pairs: [{ question: 'x', answer: 'y', more: 1 }] }],
    [{ pairs: 'x' }],
    [{}],
  ])('are refused as %j', async (body) => {
    expect((await call('POST', '/sources', { type: 'qa', name: 'Bad', ...body })).status).toBe(400);
  });

  it('are no setting of other sources', async () => {
    const text = await app.addSource(token, projectId, { type: 'text', name: 'T', text: 'Some text.' });
    expect((await call('PATCH', `/sources/${text.id}`, { pairs: PAIRS })).status).toBe(400);
    expect((await call('PATCH', `/sources/${sourceId}`, { syncEvery: '1d' })).status).toBe(400);
  });
});
