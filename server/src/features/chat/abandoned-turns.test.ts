import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '#kernel/ids.js';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { type FakeOpenAI, startFakeOpenAI } from '#test/fakes/fake-openai.js';
import { createTokenGate } from '#test/fakes/token-gate.js';
import { closeAbandonedTurns } from '#features/usage/close-abandoned-turns.js';

let app: TestApp;
let openai: FakeOpenAI;
let token: string;
let projectId: string;
const gate = createTokenGate();

beforeAll(async () => {
  openai = await startFakeOpenAI({ tokenGate: gate });
  app = await createTestApp({
    environment: { OPENAI_BASE_URL: openai.baseUrl, OPENAI_EMBEDDING_MODEL: 'none' },
  });
  // It has been heard for long enough to know who is dead.
  await app.ctx.db.execute(sql`update processes set steady_since = now() - interval '1 hour'`);
  ({ token } = await app.register('Ada', 'pro'));
  projectId = await app.createProject(token);
  await app.addSource(token, projectId, {
    type: 'text',
    name: 'Refunds',
    text: 'A refund takes five working days. It goes to the card that was used.',
  });
});

afterAll(async () => {
  await app.close();
  await openai.close();
});

function ask(body: Record<string, unknown>) {
  return app.request('POST', `/v1/projects/${projectId}/chat`, {
    token,
    body: { message: 'How long does a refund take?', ...body },
  });
}

/** An answer in the making, left by a process. */
async function leaveAnswer(processId: string): Promise<{ conversationId: string; messageId: string }> {
  const conversationId = newId();
  const messageId = newId();
  await app.ctx.db.execute(
    sql`insert into conversations (id, project_id, user_id) select ${conversationId}, id, owner_id from projects`,
  );
  await app.ctx.db.execute(sql`
    insert into messages (id, project_id, conversation_id, role, content, status, process_id)
    values (${messageId}, ${projectId}, ${conversationId}, 'assistant', '', 'streaming', ${processId})`);
  return { conversationId, messageId };
}

async function statusOf(messageId: string): Promise<string | undefined> {
  const { rows } = await app.ctx.db.execute<{ status: string }>(
    sql`select status from messages where id = ${messageId}`,
  );
  return rows[0]?.status;
}

describe('an answer whose process', () => {
  it('was out of touch is given up, and its reader is told to ask again', async () => {
    const asked = ask({});
    await openai.whenRequested(1);
    await app.ctx.db.execute(sql`update messages set process_id = ${newId()} where status = 'streaming'`);
    expect(await closeAbandonedTurns(app.ctx)).toBe(1);
    gate.open();
    expect((await asked).body).toMatchObject({
      status: 503,
      code: 'unavailable',
      detail: 'The server was out of touch and gave this answer up. Please ask again.',
    });
    const { rows } = await app.ctx.db.execute(
      sql`select status, content from messages where role = 'assistant'`,
    );
    expect(rows).toEqual([{ status: 'failed', content: '' }]);
  });

  it('died does not hold up the next question', async () => {
    const { conversationId, messageId } = await leaveAnswer(newId());
    expect((await ask({ conversationId })).status).toBe(200);
    expect(await statusOf(messageId)).toBe('failed');
  });

  it('lives holds up the next question', async () => {
    const { conversationId, messageId } = await leaveAnswer(app.ctx.processId);
    expect((await ask({ conversationId })).body).toMatchObject({ status: 409, code: 'conflict' });
    expect(await statusOf(messageId)).toBe('streaming');
  });
});

describe('an Idempotency-Key whose first request', () => {
  const create = (key: string) =>
    app.request('POST', '/v1/projects', { token, body: { name: key }, headers: { 'idempotency-key': key } });
  const leaveRunning = (processId: string) =>
    app.ctx.db.execute(
      sql`update idempotency_keys set status = null, response = null, process_id = ${processId}`,
    );

  it('died with its process is free again', async () => {
    expect((await create('dead')).status).toBe(201);
    await leaveRunning(newId());
    const again = await create('dead');
    expect(again.status).toBe(201);
    expect(again.headers['idempotency-replayed']).toBeUndefined();
  });

  it('still runs is not', async () => {
    expect((await create('running')).status).toBe(201);
    await leaveRunning(app.ctx.processId);
    expect((await create('running')).body).toMatchObject({ status: 409, code: 'conflict' });
  });
});
