import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Reply, type TestApp, createTestApp } from '#test/create-test-app.js';
import { startFakeOpenAI } from '#test/fakes/fake-openai.js';
import { createTokenGate } from '#test/fakes/token-gate.js';

const HANDBOOK = `# Deliveries

Orders placed before 11:00 leave the roastery the same day. A parcel within the country costs €4.90.

# Warranty

The hand grinder H2 has a warranty of two years. The electric grinder E5 has a warranty of five years.`;

interface StreamedEvent {
  id: number;
  name: string;
  data: Reply['body'];
}

function eventsOf(body: string): StreamedEvent[] {
  return body
    .split('\n\n')
    .filter((frame) => frame.startsWith('id: '))
    .map((frame) => {
      const [id = '', name = '', data = ''] = frame.split('\n');
      return { id: Number(id.slice(4)), name: name.slice(7), data: JSON.parse(data.slice(6)) };
    });
}

async function expectCitationsToHold(
  app: TestApp,
  token: string,
  projectId: string,
  message: Reply['body'],
): Promise<void> {
  for (const citation of message.citations) {
    const path = `/v1/projects/${projectId}/documents/${citation.documentId}`;
    const { body: document } = await app.request('GET', path, { token });
    expect(document.content.slice(citation.start, citation.end)).toBe(citation.quote);
    expect(message.content).toContain(`[${citation.index}]`);
  }
}

describe('with the built-in model', () => {
  let app: TestApp;
  let token: string;
  let projectId: string;
  const chat = (body: object, options: { token?: string; headers?: Record<string, string> } = { token }) =>
    app.request('POST', `/v1/projects/${projectId}/chat`, { ...options, body });

  beforeAll(async () => {
    app = await createTestApp();
    ({ token } = await app.register('Ada', 'pro'));
    projectId = await app.createProject(token, { suggestedQuestions: ['What does a parcel cost?'] });
    await app.addSource(token, projectId, { type: 'text', name: 'Handbook', text: HANDBOOK });
  });
  afterAll(() => app.close());

  it('answers with sentences of the sources and citations that hold', async () => {
    const { status, body } = await chat({ message: 'How long is the warranty of the hand grinder H2?' });
    expect(status).toBe(200);
    expect(body.message).toMatchObject({
      role: 'assistant',
      status: 'complete',
      refusal: null,
      confidence: 'high',
      model: 'builtin',
      usage: { cost: '0.000000000', currency: 'USD', charged: false },
    });
    expect(body.message.content).toBe('The hand grinder H2 has a warranty of two years. [1]');
    expect(body.message.citations).toMatchObject([
      {
        index: 1,
        title: 'Handbook',
        heading: 'Warranty',
        quote: 'The hand grinder H2 has a warranty of two years.',
      },
    ]);
    await expectCitationsToHold(app, token, projectId, body.message);
  });

  it('refuses what the sources do not hold, with the fallback and suggestions', async () => {
    const { status, body } = await chat({ message: 'Who won the chess championship in Reykjavik?' });
    expect(status).toBe(200);
    expect(body.message.refusal).toEqual({ reason: 'no_match', suggestions: ['What does a parcel cost?'] });
    expect(body.message.content).toContain('I could not find an answer');
    expect(body.message.citations).toEqual([]);
  });

  it('says that sources are still being indexed', async () => {
    const fresh = await app.createProject(token);
    await app.request('POST', `/v1/projects/${fresh}/sources`, {
      token,
      body: { type: 'text', name: 'Later', text: 'The office dog is called Biscuit.' },
    });
    const ask = () =>
      app.request('POST', `/v1/projects/${fresh}/chat`, {
        token,
        body: { message: 'What is the dog called?' },
      });
    expect((await ask()).body.message.refusal.reason).toBe('still_indexing');
    await app.runJobs();
    expect((await ask()).body.message.content).toBe('The office dog is called Biscuit. [1]');
  });

  it('answers from many sources that say the same', async () => {
    const echo = await app.createProject(token);
    const text = '# Refunds\n\nA refund takes five working days. It goes to the card that was used.';
    for (let copy = 0; copy < 12; copy += 1)
      await app.addSource(token, echo, { type: 'text', name: `${copy}`, text });
    const { body } = await app.request('POST', `/v1/projects/${echo}/chat`, {
      token,
      body: { message: 'How long does a refund take?' },
    });
    expect(body.message.content).toContain('A refund takes five working days. [1]');
  });

  it('refuses below the project’s own threshold', async () => {
    const strict = await app.createProject(token, { minScore: 1 });
    await app.addSource(token, strict, { type: 'text', name: 'Handbook', text: HANDBOOK });
    const { body } = await app.request('POST', `/v1/projects/${strict}/chat`, {
      token,
      body: { message: 'Which warranty, colour, weight and noise has the electric grinder in winter?' },
    });
    expect(body.message.refusal.reason).toBe('low_confidence');
  });

  it('streams the same answer, and a stored stream can be resumed from any event', async () => {
    const message = 'What does a parcel within the country cost?';
    const whole = await chat({ message });
    const streamed = eventsOf((await chat({ message, stream: true })).body);
    expect(streamed.map(({ name }) => name)).toEqual([
      'start',
      ...streamed.slice(1, -2).map(() => 'delta'),
      'citations',
      'done',
    ]);
    const text = streamed.filter(({ name }) => name === 'delta').map(({ data }) => data.text);
    expect(text.join('')).toBe(whole.body.message.content);
    expect(streamed.at(-1)?.data.message.content).toBe(whole.body.message.content);
    const ids = streamed.map(({ id }) => id);
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));

    const messageId = streamed[0]?.data.messageId;
    for (const [position, { id }] of streamed.entries()) {
      const resumed = await app.request('GET', `/v1/projects/${projectId}/chat/${messageId}/stream`, {
        token,
        headers: { 'last-event-id': String(id) },
      });
      const rest = streamed.slice(position + 1);
      expect(resumed.status).toBe(rest.length === 0 ? 204 : 200);
      const expected = rest.filter(({ name }) => name === 'delta').map(({ data }) => data.text);
      const events = rest.length === 0 ? [] : eventsOf(resumed.body);
      expect(
        events
          .filter(({ name }) => name === 'delta')
          .map(({ data }) => data.text)
          .join(''),
      ).toBe(expected.join(''));
      expect(events.at(-1)?.data).toEqual(rest.at(-1)?.data);
    }
  });

  it('lets a visitor of a public project go on with its own conversation only', async () => {
    const open = await app.createProject(token, { isPublic: true, allowedOrigins: ['https://shop.example'] });
    await app.addSource(token, open, { type: 'text', name: 'Handbook', text: HANDBOOK });
    const ask = (body: object, headers: Record<string, string> = {}) =>
      app.request('POST', `/v1/projects/${open}/chat`, { body, headers });
    const message = 'What does a parcel cost?';
    const first = await ask({ message, visitor: { id: 'v1', email: 'visitor@example.com' } });
    const { conversationId, conversationToken } = first.body;
    expect(first.status).toBe(200);
    expect((await ask({ message, conversationId, conversationToken })).body.conversationId).toBe(
      conversationId,
    );
    expect((await ask({ message, conversationId })).status).toBe(404);
    expect((await ask({ message, conversationId, conversationToken: 'x' })).status).toBe(404);
    expect((await ask({ message }, { origin: 'https://shop.example' })).status).toBe(200);
    expect((await ask({ message }, { origin: 'https://evil.example' })).status).toBe(403);
    const messages = (headers: Record<string, string>) =>
      app.request('GET', `/v1/projects/${open}/conversations/${conversationId}/messages`, { headers });
    expect((await messages({ 'conversation-token': conversationToken })).body.data).toHaveLength(4);
    expect((await messages({})).status).toBe(404);
    expect((await app.request('POST', `/v1/projects/${projectId}/chat`, { body: { message } })).status).toBe(
      404,
    );
  });

  it('answers an Idempotency-Key once, streamed or not', async () => {
    const headers = { 'idempotency-key': 'once' };
    const body = { message: 'What does a parcel cost?' };
    const first = await chat(body, { token, headers });
    const second = await chat(body, { token, headers });
    expect(second.body).toEqual(first.body);
    expect(second.headers['idempotency-replayed']).toBe('true');
    expect((await chat({ message: 'Something else?' }, { token, headers })).body.code).toBe(
      'idempotency_key_reused',
    );
    const conversation = `/v1/projects/${projectId}/conversations/${first.body.conversationId}/messages`;
    expect((await app.request('GET', conversation, { token })).body.data).toHaveLength(2);

    const streamHeaders = { 'idempotency-key': 'once-streamed' };
    const streamed = eventsOf(
      (await chat({ ...body, stream: true }, { token, headers: streamHeaders })).body,
    );
    const again = eventsOf((await chat({ ...body, stream: true }, { token, headers: streamHeaders })).body);
    expect(again[0]).toEqual(streamed[0]);
    expect(again.at(-1)).toEqual(streamed.at(-1));
  });

  it('deletes a conversation with its messages and its token', async () => {
    const { body } = await chat({ message: 'What does a parcel cost?' });
    const path = `/v1/projects/${projectId}/conversations/${body.conversationId}`;
    expect((await app.request('DELETE', path, { token })).status).toBe(204);
    expect((await app.request('GET', path, { token })).status).toBe(404);
    const { conversationId, conversationToken } = body;
    expect((await chat({ message: 'Still there?', conversationId, conversationToken })).status).toBe(404);
  });
});

describe('with an OpenAI-compatible endpoint', () => {
  let app: TestApp;
  let fake: Awaited<ReturnType<typeof startFakeOpenAI>>;
  let token: string;
  let projectId: string;
  let address: string;
  const chat = (message: string, body: object = {}) =>
    app.request('POST', `/v1/projects/${projectId}/chat`, { token, body: { message, ...body } });

  beforeAll(async () => {
    fake = await startFakeOpenAI({ dimensions: 64 });
    app = await createTestApp({
      environment: {
        OPENAI_BASE_URL: fake.baseUrl,
        OPENAI_API_KEY: 'test-key',
        OPENAI_EMBEDDING_DIMENSIONS: '64',
        OPENAI_CHAT_MODEL_MINI: 'gpt-4o-mini',
      },
    });
    ({ token } = await app.register());
    projectId = await app.createProject(token);
    await app.addSource(token, projectId, { type: 'text', name: 'Handbook', text: HANDBOOK });
    address = await app.server.listen({ port: 0, host: '127.0.0.1' });
  });
  afterAll(async () => {
    await app.close();
    await fake.close();
  });

  it('keeps the markers that hold, drops the others, and stores tokens and cost', async () => {
    fake.set({
      mode: 'normal',
      reply: () =>
        'The electric grinder E5 has a warranty of five years [1]. It has a warranty of nine years [1]. It is blue [7].',
    });
    const { body } = await chat('How long is the warranty of the electric grinder E5?');
    expect(body.message.content).toBe(
      'The electric grinder E5 has a warranty of five years [1]. It has a warranty of nine years. It is blue.',
    );
    expect(body.message.citations.map(({ quote }: { quote: string }) => quote)).toEqual([
      'The electric grinder E5 has a warranty of five years.',
    ]);
    await expectCitationsToHold(app, token, projectId, body.message);
    const { inputTokens, outputTokens, cost } = body.message.usage;
    expect(inputTokens).toBeGreaterThan(0);
    expect(cost).toBe(((inputTokens * 0.15 + outputTokens * 0.6) / 1_000_000).toFixed(9));
  });

  it('shows the model the sources as data and the earlier turns', async () => {
    fake.set({ mode: 'normal', reply: () => 'Orders leave the same day [1].' });
    const first = await chat('When do orders placed before 11:00 leave?');
    await chat('And what does a parcel within the country cost?', {
      conversationId: first.body.conversationId,
    });
    const messages = fake.requests.at(-1)?.body['messages'] as { role: string; content: string }[];
    expect(messages[0]?.content).toMatch(/<source_\w{12} number="1" title="Handbook"/);
    expect(messages.slice(1).map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    expect(messages[1]?.content).toBe('When do orders placed before 11:00 leave?');
  });

  it('does not show it refused turns', async () => {
    fake.set({ mode: 'normal', reply: () => 'NO_ANSWER_IN_SOURCES' });
    const refused = await chat('What warranty has the hand grinder H2 on Mars?');
    expect(refused.body.message.refusal.reason).toBe('no_match');
    fake.set({ reply: () => 'A parcel costs €4.90 [1].' });
    await chat('What does a parcel within the country cost?', {
      conversationId: refused.body.conversationId,
    });
    const messages = fake.requests.at(-1)?.body['messages'] as { role: string; content: string }[];
    expect(messages.map(({ role }) => role)).toEqual(['system', 'user']);
  });

  it.each([
    ['content_filter', 'blocked'],
    ['length', 'unavailable'],
  ])('refuses when the model wrote nothing and ended with %s', async (finishReason, reason) => {
    fake.set({ mode: 'normal', reply: () => '', finishReason });
    const { body } = await chat('How long is the warranty of the hand grinder H2?');
    expect(body.message).toMatchObject({ status: 'complete', refusal: { reason } });
    fake.set({ finishReason: 'stop' });
  });

  it('turns the model’s “not in the sources” into a refusal, of which no letter was streamed', async () => {
    fake.set({ mode: 'normal', reply: () => 'NO_ANSWER_IN_SOURCES' });
    const reply = await chat('What warranty has the hand grinder H2 in space?', { stream: true });
    const events = eventsOf(reply.body);
    expect(reply.body).not.toContain('NO_ANSWER');
    expect(events.at(-1)?.data.message.refusal.reason).toBe('no_match');
  });

  it('keeps a cut answer as incomplete, with the citations that hold', async () => {
    fake.set({
      mode: (request) => (request.path.endsWith('/embeddings') ? 'normal' : 'no_finish'),
      reply: () => 'The hand grinder H2 has a warranty of two years [1]. And then there is',
    });
    const { body } = await chat('How long is the warranty of the hand grinder H2?');
    expect(body.message).toMatchObject({
      status: 'incomplete',
      refusal: null,
      content: 'The hand grinder H2 has a warranty of two years [1]. And then there is',
    });
    expect(body.message.citations).toHaveLength(1);
    await expectCitationsToHold(app, token, projectId, body.message);
  });

  it.each(['bad_json', 'error_event'] as const)('keeps what came before a broken event: %s', async (mode) => {
    fake.set({
      mode: (request) => (request.path.endsWith('/embeddings') ? 'normal' : mode),
      reply: () => 'The hand grinder H2 has a warranty of two years [1].',
    });
    const { body } = await chat('How long is the warranty of the hand grinder H2?');
    expect(body.message).toMatchObject({ status: 'incomplete', content: 'The hand', citations: [] });
  });

  it('searches by words alone when the embedding endpoint fails, and says so', async () => {
    fake.set({
      mode: (request) => (request.path.endsWith('/embeddings') ? 'server_error' : 'normal'),
      reply: () => 'The hand grinder H2 has a warranty of two years [1].',
    });
    // A question that nobody has asked: what is in the search cache needs no endpoint.
    const { body } = await chat('What warranty does the hand grinder H2 have?');
    expect(body.message.citations).toHaveLength(1);
    expect(body.message.notices).toMatchObject([{ code: 'lexical_only' }]);
  });

  /** A stream over a socket that has shown its first words, with the model held at a gate. */
  async function startStream() {
    const tokenGate = createTokenGate();
    fake.set({
      mode: 'normal',
      tokenGate,
      reply: () => 'The hand grinder H2 has a warranty of two years and more.',
    });
    const response = await fetch(`${address}/v1/projects/${projectId}/chat`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ message: 'How long is the warranty of the hand grinder H2?', stream: true }),
    });
    if (response.body === null) throw new Error('the answer has no body');
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    tokenGate.release(4);
    while (!text.includes('event: delta')) text += (await reader.read()).value ?? '';
    return {
      start: eventsOf(text)[0]?.data,
      abortsBefore: fake.abortedRequests,
      lastEvent: async () => {
        for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
        return eventsOf(text).at(-1);
      },
    };
  }

  it('stops the model on request, and keeps what there is', async () => {
    const { start, abortsBefore, lastEvent } = await startStream();
    const path = `/v1/projects/${projectId}/chat/${start.messageId}/stop`;
    expect((await app.request('POST', path, { token })).status).toBe(204);
    const done = await lastEvent();
    expect(done?.data.message.status).toBe('incomplete');
    expect(done?.data.message.content).toMatch(/^The hand/);
    await fake.whenAborted(abortsBefore + 1);
  });

  it('stops the model when the conversation is deleted', async () => {
    const { start, abortsBefore, lastEvent } = await startStream();
    const path = `/v1/projects/${projectId}/conversations/${start.conversationId}`;
    expect((await app.request('DELETE', path, { token })).status).toBe(204);
    expect(await lastEvent()).toMatchObject({ name: 'error', data: { code: 'not_found' } });
    await fake.whenAborted(abortsBefore + 1);
  });
});
