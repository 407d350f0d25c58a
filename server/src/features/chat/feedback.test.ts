import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';

const HANDBOOK = `# Deliveries

Orders placed before 11:00 leave the roastery the same day. A parcel within the country costs €4.90.

# Warranty

The hand grinder H2 has a warranty of two years. The electric grinder E5 has a warranty of five years.`;

let app: TestApp;
let token: string;
let base: string;
let projectId: string;

beforeAll(async () => {
  app = await createTestApp();
  ({ token } = await app.register());
  projectId = await app.createProject(token, { isPublic: true });
  base = `/v1/projects/${projectId}`;
  await app.addSource(token, projectId, { type: 'text', name: 'Handbook', text: HANDBOOK });
  const desk = 'The office dog is called Biscuit. Biscuit sleeps under the desk of Ada.';
  await app.addSource(token, projectId, { type: 'text', name: 'Desk', text: desk });
});
afterAll(() => app.close());

async function ask(message: string, body: object = {}) {
  return (await app.request('POST', `${base}/chat`, { body: { message, ...body } })).body;
}
const rate = (messageId: string, body: unknown, options: object = { token }) =>
  app.request('POST', `${base}/messages/${messageId}/feedback`, { ...options, body });
const messagesOf = async (conversationId: string, options: object = { token }) =>
  (await app.request('GET', `${base}/conversations/${conversationId}/messages`, options)).body.data;

describe('feedback', () => {
  it('is given by the visitor who has the token, replaced by the next, and shown to members', async () => {
    const first = await ask('How long is the warranty of the hand grinder H2?');
    const { conversationId, conversationToken, message } = first;
    const comment = 'Too short, says Zora.';
    const rated = await rate(message.id, { rating: 'up', comment, conversationToken }, {});
    expect(rated.status).toBe(204);
    const [, answer] = await messagesOf(conversationId);
    expect(answer.feedback).toEqual({
      rating: 'up',
      comment,
      createdAt: app.ctx.clock.now().toISOString(),
    });
    const headers = { 'conversation-token': conversationToken };
    const [, shown] = await messagesOf(conversationId, { headers });
    expect(shown.feedback).toBeNull();

    expect((await rate(message.id, { rating: 'down' }, { headers })).status).toBe(204);
    expect((await messagesOf(conversationId))[1].feedback).toMatchObject({ rating: 'down', comment: null });
    expect((await rate(message.id, { rating: null })).status).toBe(204);
    expect((await messagesOf(conversationId))[1].feedback).toBeNull();

    const { rows } = await app.ctx.db.execute(sql`
      select actor_type, changes from audit_logs
      where action = 'message.feedback' and resource_id = ${message.id} order by id`);
    expect(rows).toEqual([
      { actor_type: 'visitor', changes: { rating: { before: null, after: 'up' } } },
      { actor_type: 'visitor', changes: { rating: { before: 'up', after: 'down' } } },
      { actor_type: 'user', changes: { rating: { before: 'down', after: null } } },
    ]);
    expect(app.logLines.join('\n')).not.toContain('Zora');
  });

  it('is refused to others, for questions, and in other words', async () => {
    const { conversationId, message } = await ask('What does a parcel cost?');
    const { conversationToken: foreign } = await ask('What does a parcel cost?');
    const [question] = await messagesOf(conversationId);
    for (const [body, options] of [
      [{ rating: 'up' }, {}],
      [{ rating: 'up', conversationToken: foreign }, {}],
    ] as const) {
      const reply = await rate(message.id, body, options);
      expect([reply.status, reply.body.detail]).toEqual([404, 'There is no such message.']);
    }
    expect((await rate(question.id, { rating: 'up' })).body.code).toBe('unusable_content');
    expect((await rate(message.id, { rating: 'good' })).body.code).toBe('validation_failed');
    expect((await rate(message.id, { rating: 'up', comment: 'x'.repeat(2_001) })).status).toBe(400);
    expect((await messagesOf(conversationId))[1].feedback).toBeNull();
  });
});

describe('a replay', () => {
  const replay = (messageId: string, body?: unknown) =>
    app.request('POST', `${base}/messages/${messageId}/replay`, { token, body });

  it('answers from the sources as they are now, under other settings, and stores nothing', async () => {
    const fresh = await app.createProject(token);
    const source = { type: 'text', name: 'Dog', text: 'The office dog is called Biscuit.' };
    const question = { message: 'What is the office dog called?' };
    const asked = await app.request('POST', `/v1/projects/${fresh}/chat`, { token, body: question });
    const { message, conversationId } = asked.body;
    expect(message.refusal.reason).toBe('no_match');
    await app.addSource(token, fresh, source);
    const path = `/v1/projects/${fresh}/messages/${message.id}/replay`;
    const { status, body } = await app.request('POST', path, { token });
    expect(status).toBe(200);
    expect(body.original).toEqual(message);
    expect(body.replay).toMatchObject({
      status: 'complete',
      content: 'The office dog is called Biscuit. [1]',
      citations: [{ index: 1, quote: 'The office dog is called Biscuit.' }],
      refusal: null,
      confidence: 'high',
      model: 'builtin',
      usage: { inputTokens: 0, outputTokens: 0, charged: false },
    });
    const stored = await app.request(
      'GET',
      `/v1/projects/${fresh}/conversations/${String(conversationId)}/messages`,
      { token },
    );
    expect(stored.body.data).toHaveLength(2);
    expect(stored.body.data[1]).toEqual(message);
  });

  it('leaves what is not named as the project has it', async () => {
    const { message } = await ask('Which warranty has the electric grinder under the desk of Ada?');
    expect((await replay(message.id)).body.replay.content).toBe(message.content);
    const strict = await replay(message.id, { minScore: 1, topK: 1 });
    expect(strict.body.original.refusal).toBeNull();
    expect(strict.body.replay.refusal.reason).toBe('low_confidence');
  });

  it('is refused for questions, unknown settings and visitors', async () => {
    const { conversationId, conversationToken, message } = await ask('What does a parcel cost?');
    const [question] = await messagesOf(conversationId);
    expect((await replay(question.id, {})).body.code).toBe('unusable_content');
    expect((await replay(message.id, { fallbackMessage: 'x' })).body.code).toBe('validation_failed');
    expect((await replay(message.id, { topK: 51 })).body.errors[0].path).toBe('topK');
    const visitor = await app.request('POST', `${base}/messages/${message.id}/replay`, {
      headers: { 'conversation-token': conversationToken },
    });
    expect(visitor.status).toBe(401);
  });
});
