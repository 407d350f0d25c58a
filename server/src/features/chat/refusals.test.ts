import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';

const SHOP = `# Refunds

A refund takes five working days and goes to the card that was used.

# Shipping

Do you ship abroad? Yes, to all of Europe, for ten euros.

# Returning a parcel

Put the parcel into its box and bring it to any post office.`;

describe('refusals', () => {
  let app: TestApp;
  let token: string;
  const createProject = async (settings: object, texts: Record<string, string>) => {
    const projectId = await app.createProject(token, { ...settings });
    for (const [name, text] of Object.entries(texts)) {
      await app.addSource(token, projectId, { type: 'text', name, text });
    }
    return projectId;
  };
  const ask = async (projectId: string, message: string) => {
    const path = `/v1/projects/${projectId}/chat`;
    return (await app.request('POST', path, { token, body: { message } })).body.message;
  };

  beforeAll(async () => {
    app = await createTestApp();
    ({ token } = await app.register('Ada', 'pro'));
  });
  afterAll(() => app.close());

  it('suggest the project’s own questions that it can answer, and no others', async () => {
    const suggestedQuestions = ['Who won the refund cup of Rio in 1998?', 'How long does a refund take?'];
    const projectId = await createProject({ suggestedQuestions }, { Shop: SHOP });
    const { refusal } = await ask(projectId, 'Which moons has Jupiter?');
    expect(refusal).toEqual({ reason: 'no_match', suggestions: ['How long does a refund take?'] });
  });

  it('suggest questions and headings near what was asked, each of which is answered', async () => {
    const projectId = await createProject({}, { Shop: SHOP });
    const message = 'Which drone insurance covers a parcel shipped abroad to Antarctica on weekends?';
    const { refusal } = await ask(projectId, message);
    expect(refusal).toEqual({
      reason: 'no_match',
      suggestions: ['Do you ship abroad?', 'Shipping', 'Returning a parcel'],
    });
    for (const suggestion of refusal.suggestions) {
      expect((await ask(projectId, suggestion)).refusal).toBeNull();
    }
  });

  it('suggest the questions of pairs', async () => {
    const projectId = await app.createProject(token);
    const pairs = [
      { question: 'Can I pay by invoice?', answer: 'Yes, from the second order on.' },
      { question: 'Where is the shop?', answer: 'In Harbour Street 3.' },
    ];
    await app.addSource(token, projectId, { type: 'qa', name: 'Answers', pairs });
    const { refusal } = await ask(
      projectId,
      'Do Martian companies settle their invoice taxes in gold or silver?',
    );
    expect(refusal).toEqual({ reason: 'no_match', suggestions: ['Can I pay by invoice?'] });
  });

  it('suggest nothing where nothing is near', async () => {
    const projectId = await createProject({}, { Shop: SHOP });
    expect((await ask(projectId, 'Quantum chromodynamics?')).refusal).toEqual({
      reason: 'no_match',
      suggestions: [],
    });
    const empty = await app.createProject(token, { suggestedQuestions: ['Where are you?'] });
    expect((await ask(empty, 'Hello?')).refusal).toEqual({ reason: 'no_match', suggestions: [] });
  });

  it('say that sources are being indexed only as long as they are', async () => {
    const projectId = await app.createProject(token);
    expect((await ask(projectId, 'How long does a refund take?')).refusal.reason).toBe('no_match');
    const body = { type: 'text', name: 'Shop', text: SHOP };
    await app.request('POST', `/v1/projects/${projectId}/sources`, { token, body });
    const waiting = await ask(projectId, 'How long does a refund take?');
    expect(waiting.refusal).toEqual({ reason: 'still_indexing', suggestions: [] });
    expect(waiting.notices).toMatchObject([{ code: 'still_indexing' }]);
    await app.runJobs();
    const ready = await ask(projectId, 'How long does a refund take?');
    expect([ready.refusal, ready.notices]).toEqual([null, []]);
    const unreadable = await app.upload(token, projectId, { name: 'empty.txt', content: ' ' });
    await app.runJobs();
    const source = `/v1/projects/${projectId}/sources/${unreadable.body.id}`;
    expect((await app.request('GET', source, { token })).body.status).toBe('failed');
    const failed = await ask(projectId, 'Which moons has Jupiter?');
    expect([failed.refusal.reason, failed.notices]).toEqual(['no_match', []]);
  });
});

describe('sources that differ', () => {
  let app: TestApp;
  let token: string;
  beforeAll(async () => {
    app = await createTestApp();
    ({ token } = await app.register());
  });
  afterAll(() => app.close());

  it('are told with both quotes, to the letter of their documents', async () => {
    const projectId = await app.createProject(token);
    const texts = {
      Terms: 'Welcome.\n\nA refund takes five working days.',
      FAQ: 'A refund takes 14 working days. Write to us.',
    };
    for (const [name, text] of Object.entries(texts)) {
      await app.addSource(token, projectId, { type: 'text', name, text });
    }
    const path = `/v1/projects/${projectId}/chat`;
    const body = { message: 'How many days does a refund take?' };
    const { message } = (await app.request('POST', path, { token, body })).body;
    const [notice] = message.notices;
    expect(notice.code).toBe('sources_differ');
    expect(notice.quotes.map(({ quote }: { quote: string }) => quote).toSorted()).toEqual([
      'A refund takes 14 working days.',
      'A refund takes five working days.',
    ]);
    for (const { documentId, quote, start, end } of notice.quotes) {
      const document = await app.request('GET', `/v1/projects/${projectId}/documents/${documentId}`, {
        token,
      });
      expect(document.body.content.slice(start, end)).toBe(quote);
    }
    const other = { message: 'To whom can I write?' };
    expect((await app.request('POST', path, { token, body: other })).body.message.notices).toEqual([]);
  });
});
