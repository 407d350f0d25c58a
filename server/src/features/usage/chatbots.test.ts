import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { joinProject } from '#test/join-project.js';

const PARALLEL = 20;
/** More of them, over two processes, are in test/chaos/limit-races.test.ts. */
const ROUNDS = 3;

let app: TestApp;
beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app.close());

const post = (token: string) => app.request('POST', '/v1/projects', { token, body: { name: 'Shop' } });

async function countProjects(userId: string): Promise<number> {
  const { rows } = await app.ctx.db.execute<{ count: number }>(
    sql`select count(*)::int as count from projects where owner_id = ${userId}`,
  );
  return rows[0]?.count ?? 0;
}

describe('a chatbot beyond the limit of the plan', () => {
  it('is not made, and what can be done is told; deleting one makes room at once', async () => {
    const { token } = await app.register();
    const made = [await app.createProject(token), await app.createProject(token)];
    expect((await post(token)).status).toBe(201);
    const refused = await post(token);
    expect(refused.status).toBe(429);
    expect(refused.headers).not.toHaveProperty('retry-after');
    expect(refused.body).toMatchObject({
      code: 'usage_limit_exceeded',
      detail:
        'The limit of 3 chatbots is reached: 3 are used. A larger plan or an add-on gives more: see GET /v1/billing/plans.',
      usage: { what: 'chatbots', used: 3, limit: 3, resetsAt: null },
    });
    expect((await app.request('DELETE', `/v1/projects/${made[0] ?? ''}`, { token })).status).toBe(204);
    expect((await post(token)).status).toBe(201);
    expect((await post(token)).status).toBe(429);
  });

  it('is not made by twenty requests at once: one of them gets the last place', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const { token, userId } = await app.register();
      await app.createProject(token);
      await app.createProject(token);
      const replies = await Promise.all(Array.from({ length: PARALLEL }, () => post(token)));
      expect(replies.filter(({ status }) => status === 201)).toHaveLength(1);
      expect(replies.filter(({ status }) => status === 429)).toHaveLength(PARALLEL - 1);
      expect(await countProjects(userId)).toBe(3);
    }
  });

  it('can be had on a plan without limits, where nothing is locked for it', async () => {
    const { token, userId } = await app.register();
    await app.changePlan(userId, 'enterprise');
    expect((await post(token)).status).toBe(201);
    // Somebody else holds the lock that those on a limited plan wait for.
    if (app.ctx.config.database.url !== null) {
      await app.ctx.db.transaction(async (tx) => {
        await tx.execute(sql`select from subscriptions where user_id = ${userId} for update`);
        expect((await post(token)).status).toBe(201);
      });
    }
    for (let more = 0; more < 4; more += 1) expect((await post(token)).status).toBe(201);
  });
});

describe('a transferred chatbot', () => {
  async function transfer() {
    const payer = await app.register('Paula');
    const projectId = await app.createProject(payer.token);
    const heir = await joinProject(app, { token: payer.token, projectId, role: 'editor' }, 'Hera');
    const send = () =>
      app.request('POST', `/v1/projects/${projectId}/transfer`, {
        token: payer.token,
        body: { userId: heir.userId },
      });
    return { payer, heir, projectId, send };
  }

  it('counts for the one who gets it', async () => {
    const { payer, heir, send } = await transfer();
    for (let more = 0; more < 3; more += 1) await app.createProject(heir.token);
    const refused = await send();
    expect(refused.status).toBe(429);
    expect(refused.body).toMatchObject({
      code: 'usage_limit_exceeded',
      detail: 'The plan of Hera has no room for another chatbot. A larger plan or fewer of them make room.',
      usage: { what: 'chatbots', used: 3, limit: 3, resetsAt: null },
    });
    expect(await countProjects(payer.userId)).toBe(1);
    await app.changePlan(heir.userId, 'pro');
    expect((await send()).status).toBe(200);
    expect(await countProjects(heir.userId)).toBe(4);
    for (let more = 0; more < 3; more += 1) expect((await post(payer.token)).status).toBe(201);
    expect((await post(payer.token)).status).toBe(429);
  });

  it('gets through or a new one does, at the same time, but not both', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const { heir, send } = await transfer();
      await app.createProject(heir.token);
      await app.createProject(heir.token);
      const replies = await Promise.all([send(), post(heir.token), post(heir.token)]);
      expect(replies.filter(({ status }) => status < 300)).toHaveLength(1);
      expect(await countProjects(heir.userId)).toBe(3);
    }
  });

  it('brings its pages along, for which there has to be room too', async () => {
    const { payer, heir, projectId, send } = await transfer();
    const text = { type: 'text', name: 'Refunds', text: 'A refund takes five working days.' };
    for (let more = 0; more < 2; more += 1) await app.addSource(payer.token, projectId, text);
    await app.createProject(heir.token);
    await app.ctx.db.execute(
      sql`update usage_periods set limit_indexed_pages = 1 where user_id = ${heir.userId}`,
    );
    const refused = await send();
    expect(refused.status).toBe(429);
    expect(refused.body.usage).toEqual({ what: 'indexedPages', used: 0, limit: 1, resetsAt: null });
    await app.ctx.db.execute(
      sql`update usage_periods set limit_indexed_pages = 2 where user_id = ${heir.userId}`,
    );
    expect((await send()).status).toBe(200);
  });
});
