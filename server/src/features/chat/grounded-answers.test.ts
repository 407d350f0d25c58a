import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Reply, type TestApp, createTestApp } from '#test/create-test-app.js';
import { startFakeOpenAI } from '#test/fakes/fake-openai.js';

const HANDBOOK = `# Deliveries

Orders placed before 11:00 leave the roastery the same day. A parcel within the country costs €4.90.

# Warranty

The hand grinder H2 has a warranty of two years. The electric grinder E5 has a warranty of five years. Our [partner](https://partner.example/repairs) repairs both.`;

const QUESTION = 'How long is the warranty of the electric grinder E5?';

describe('answers of a model that lies', () => {
  let app: TestApp;
  let fake: Awaited<ReturnType<typeof startFakeOpenAI>>;
  let token: string;
  let projectId: string;

  const answer = async (reply: string, body: object = {}): Promise<Reply['body']> => {
    fake.set({ mode: 'normal', reply: () => reply });
    const path = `/v1/projects/${projectId}/chat`;
    const { status, body: told } = await app.request('POST', path, {
      token,
      body: { message: QUESTION, ...body },
    });
    expect(status).toBe(200);
    return told.message;
  };
  /** Each sentence as a reader sees it, with what is said of it. */
  const judged = ({ content, sentences }: Reply['body']): [string, string][] =>
    sentences.map(({ start, end, support }: { start: number; end: number; support: string }) => [
      content.slice(start, end),
      support,
    ]);

  beforeAll(async () => {
    fake = await startFakeOpenAI({ dimensions: 64 });
    app = await createTestApp({
      environment: {
        OPENAI_BASE_URL: fake.baseUrl,
        OPENAI_API_KEY: 'test-key',
        OPENAI_EMBEDDING_DIMENSIONS: '64',
      },
    });
    ({ token } = await app.register());
    projectId = await app.createProject(token, { allowedOrigins: ['https://shop.example'] });
    await app.addSource(token, projectId, { type: 'text', name: 'Handbook', text: HANDBOOK });
  });
  beforeEach(async () => {
    const settings = { answerOptions: { unsupported: 'keep' } };
    await app.request('PATCH', `/v1/projects/${projectId}`, { token, body: settings });
  });
  afterAll(async () => {
    await app.close();
    await fake.close();
  });

  it('says of each sentence whether a source has it, and stores that', async () => {
    const message = await answer(
      'The electric grinder E5 has a warranty of five years [1]. The electric grinder E5 has no warranty of five years [1]. ' +
        'The electric grinder E5 has a warranty of nine years [1]. The coffee grinder Z9 has a warranty of five years [1, 7]. Shall I go on?',
    );
    expect(judged(message)).toEqual([
      ['The electric grinder E5 has a warranty of five years [1].', 'located'],
      ['The electric grinder E5 has no warranty of five years [1].', 'partly_located'],
      ['The electric grinder E5 has a warranty of nine years.', 'not_located'],
      ['The coffee grinder Z9 has a warranty of five years.', 'not_located'],
      ['Shall I go on?', 'not_located'],
    ]);
    expect(message.citations).toHaveLength(1);
    const [{ documentId, start, end, quote, heading, deepLink }] = message.citations;
    expect({ quote, heading, deepLink }).toEqual({
      quote: 'The electric grinder E5 has a warranty of five years.',
      heading: 'Warranty',
      deepLink: null,
    });
    const path = `/v1/projects/${projectId}/documents/${documentId}`;
    const { body: document } = await app.request('GET', path, { token });
    expect(document.content.slice(start, end)).toBe(quote);

    const { body: conversations } = await app.request('GET', `/v1/projects/${projectId}/conversations`, {
      token,
    });
    const { body: stored } = await app.request(
      'GET',
      `/v1/projects/${projectId}/conversations/${conversations.data[0].id}/messages`,
      { token },
    );
    const kept = stored.data.find(({ id }: { id: string }) => id === message.id);
    expect(kept.sentences).toEqual(message.sentences);
  });

  it.each([
    [
      'hedge',
      'The electric grinder E5 has a warranty of five years [1]. It glows in purple light (not confirmed by the sources).',
    ],
    ['strip', 'The electric grinder E5 has a warranty of five years [1].'],
  ])('does with what no source has as the project wants it: %s', async (unsupported, content) => {
    const body = { answerOptions: { unsupported } };
    expect((await app.request('PATCH', `/v1/projects/${projectId}`, { token, body })).status).toBe(200);
    const message = await answer(
      'The electric grinder E5 has a warranty of five years [1]. It glows in purple light [1].',
    );
    expect(message.content).toBe(content);
  });

  it.each([
    [
      'an image',
      'See ![a chart](https://evil.example/p.png?q=secret "of it all"): done.',
      'See a chart: done.',
    ],
    ['a link', 'See [our page](https://evil.example/a "of it all"): done.', 'See our page: done.'],
    ['a link by reference', 'See [our page][1] now.\n\n[1]: https://evil.example/a', undefined],
    ['an image by reference', 'See ![our page][x] now.\n\n[x]: https://evil.example/a "b"', undefined],
    ['an HTML image', 'See <img alt="a chart" src="https://evil.example/p.png"> now.', 'See a chart now.'],
    ['an autolink', 'See <https://evil.example/a> now.', 'See … now.'],
    ['a bare link', 'See https://evil.example/a?b=c and www.evil.example now.', 'See … and … now.'],
    ['an image of a source’s host', 'See ![x](https://partner.example/i.png) now.', 'See x now.'],
    [
      'links that stand in a source or lead to the own site',
      'See [them](https://partner.example/repairs) or [us](https://shop.example/help) now.',
      'See [them](https://partner.example/repairs) or [us](https://shop.example/help) now.',
    ],
  ])('lets links lead to the sources and the own site only: %s', async (_name, reply, content) => {
    const message = await answer(reply);
    expect(message.content).not.toContain('evil.example');
    expect(message.content).not.toMatch(/\]:\s|!\[[^\]]*\]\(/u);
    if (content !== undefined) expect(message.content).toBe(content);
  });

  it('streams no letter that the stored answer has not', async () => {
    fake.set({
      mode: 'normal',
      reply: () =>
        'The electric grinder E5 has a warranty of five years [1, 2]. See ![a b](https://evil.example/x "y z") <img src="https://evil.example/y" alt="c d"> and [3, 4] more.',
    });
    const { body } = await app.request('POST', `/v1/projects/${projectId}/chat`, {
      token,
      body: { message: QUESTION, stream: true },
    });
    const events = String(body)
      .split('\n\n')
      .filter((frame) => frame.startsWith('id: '))
      .map((frame) => frame.split('\n'))
      .map(([, name = '', data = '']) => ({ name: name.slice(7), data: JSON.parse(data.slice(6)) }));
    const deltas = events.filter(({ name }) => name === 'delta').map(({ data }) => data.text);
    const { message } = events.at(-1)!.data;
    expect(deltas.join('')).toBe(message.content);
    expect(message.content).toBe(
      'The electric grinder E5 has a warranty of five years [1]. See a b c d and more.',
    );
    expect(deltas.length).toBeGreaterThan(5);
  });
});
