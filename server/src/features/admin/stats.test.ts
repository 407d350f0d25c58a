import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { users } from '#db/schema/users.js';
import { type TestApp, createTestApp } from '#test/create-test-app.js';

const DAY_MS = 24 * 3_600_000;

let app: TestApp;
beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app.close());

it('the figures count what is there, and what is new', async () => {
  const { token, userId } = await app.register();
  const bob = await app.register();
  const verified = { role: 'admin', emailVerifiedAt: app.clock.now() } as const;
  await app.ctx.db.update(users).set(verified).where(eq(users.id, userId));
  const path = `/v1/admin/users/${bob.userId}`;
  await app.request('PATCH', path, { token, body: { suspended: true } });
  const projectId = await app.createProject(token, { isPublic: true });
  await app.createProject(token);
  const text = 'The office opens at nine in the morning.';
  await app.addSource(token, projectId, { type: 'text', name: 'Hours', text });
  await app.addSource(token, projectId, { type: 'text', name: 'Nothing', text: '\u200b' });
  await app.request('POST', `/v1/projects/${projectId}/chat`, { token, body: { message: 'When?' } });

  const stats = await app.request('GET', '/v1/admin/stats', { token });
  expect(stats.status).toBe(200);
  expect(stats.body).toMatchObject({
    users: { total: 2, verified: 1, suspended: 1, newIn30Days: 2 },
    projects: { total: 2, public: 1 },
    sources: { queued: 0, processing: 0, ready: 1, failed: 1, cancelled: 0 },
    documents: 1,
    chunks: 1,
    conversationsIn30Days: 1,
    messagesIn30Days: 2,
    jobs: { queued: 0, running: 0, succeeded: 1, failed: 1, cancelled: 0 },
    embeddingModels: [{ model: null, projects: 2 }],
    processes: [{ id: app.ctx.processId, role: 'all' }],
  });
  expect(stats.body.databaseBytes).toBeGreaterThan(1_000_000);

  app.clock.advance(31 * DAY_MS);
  const login = await app.request('POST', '/v1/auth/login', {
    body: { email: 'user1@example.com', password: 'correct horse battery' },
  });
  const later = await app.request('GET', '/v1/admin/stats', { token: login.body.accessToken });
  expect(later.body).toMatchObject({
    users: { total: 2, newIn30Days: 0 },
    conversationsIn30Days: 0,
    messagesIn30Days: 0,
    documents: 1,
  });
});
