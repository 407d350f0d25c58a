import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';

let app: TestApp;
beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app.close());

describe('projects', () => {
  it('are made with defaults, read, changed and listed', async () => {
    const { token, userId } = await app.register();
    const created = await app.request('POST', '/v1/projects', { token, body: { name: ' Shop ', topK: 3 } });
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({
      name: 'Shop',
      ownerId: userId,
      plan: 'free',
      isPublic: false,
      allowedOrigins: [],
      defaultModel: 'mini',
      temperature: null,
      topK: 3,
      minScore: null,
      retrieval: 'hybrid',
    });
    const path = `/v1/projects/${created.body.id}`;
    const changed = await app.request('PATCH', path, { token, body: { name: 'Store', isPublic: true } });
    expect(changed.body).toMatchObject({ name: 'Store', isPublic: true, topK: 3 });
    expect((await app.request('GET', path, { token })).body).toEqual(changed.body);
    const list = await app.request('GET', '/v1/projects', { token });
    expect(list.body).toEqual({ data: [changed.body], nextCursor: null });
  });

  it.each([
    [{ plan: 'enterprise' }, ''],
    [{ ownerId: '01900000-0000-7000-8000-000000000000' }, ''],
    [{ topK: 51 }, 'topK'],
    [{ topK: 1.5 }, 'topK'],
    [{ temperature: 3 }, 'temperature'],
    [{ retrieval: 'magic' }, 'retrieval'],
    [{ allowedOrigins: ['https://shop.example/path'] }, 'allowedOrigins.0'],
    [{ allowedOrigins: ['javascript:alert(1)'] }, 'allowedOrigins.0'],
    [{ language: 'english' }, 'language'],
    [{ name: 'x'.repeat(301) }, 'name'],
    [{}, ''],
  ])('refuse the change %j', async (body, path) => {
    const { token } = await app.register();
    const projectId = await app.createProject(token);
    const reply = await app.request('PATCH', `/v1/projects/${projectId}`, { token, body });
    expect(reply.status).toBe(400);
    expect(reply.body.code).toBe('validation_failed');
    if (path !== '') expect(reply.body.errors[0].path).toBe(path);
  });

  it('let members do what their role allows, and nobody else see that they exist', async () => {
    const owner = await app.register();
    const stranger = await app.register();
    const projectId = await app.createProject(owner.token);
    const attempt = async (token: string) => {
      const path = `/v1/projects/${projectId}`;
      const source = { type: 'text', name: 'T', text: 'A text.' };
      return [
        (await app.request('GET', path, { token })).status,
        (await app.request('POST', `${path}/sources`, { token, body: source })).status,
        (await app.request('PATCH', path, { token, body: { name: 'N' } })).status,
        (await app.request('DELETE', path, { token })).status,
      ];
    };
    const join = async (role: string) => {
      const member = await app.register();
      await app.ctx.db.execute(
        `insert into project_members (project_id, user_id, role) values ('${projectId}', '${member.userId}', '${role}')`,
      );
      return member.token;
    };
    expect(await attempt(stranger.token)).toEqual([404, 404, 404, 404]);
    expect(await attempt(await join('viewer'))).toEqual([200, 403, 403, 403]);
    expect(await attempt(await join('editor'))).toEqual([200, 202, 200, 403]);
    expect(await attempt(owner.token)).toEqual([200, 202, 200, 204]);
    expect(await attempt(owner.token)).toEqual([404, 404, 404, 404]);
  });

  it('note each change in the audit log with what was before', async () => {
    const { token, userId } = await app.register();
    const projectId = await app.createProject(token);
    await app.request('PATCH', `/v1/projects/${projectId}`, { token, body: { name: 'After' } });
    const { rows } = await app.ctx.db.execute(
      `select action, actor_id, changes from audit_logs where project_id = '${projectId}' order by id`,
    );
    expect(rows).toEqual([
      { action: 'project.create', actor_id: userId, changes: { name: 'Project' } },
      {
        action: 'project.update',
        actor_id: userId,
        changes: { name: { before: 'Project', after: 'After' } },
      },
    ]);
  });

  it('are made once under fifty parallel posts with one Idempotency-Key', async () => {
    const { token } = await app.register();
    const post = () =>
      app.request('POST', '/v1/projects', {
        token,
        body: { name: 'Once' },
        headers: { 'idempotency-key': 'make-once' },
      });
    const replies = await Promise.all(Array.from({ length: 50 }, post));
    expect(replies.filter(({ status }) => status !== 201 && status !== 409)).toEqual([]);
    expect((await post()).status).toBe(201);
    expect((await app.request('GET', '/v1/projects', { token })).body.data).toHaveLength(1);
  });
});
