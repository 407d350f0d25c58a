import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '#kernel/ids.js';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { refusalsWritten } from './audit.hooks.js';

const PASSWORD = 'correct horse battery';

let app: TestApp;
let owner: Awaited<ReturnType<TestApp['register']>>;
let projectId: string;

beforeAll(async () => {
  app = await createTestApp();
  owner = await app.register();
  projectId = await app.createProject(owner.token);
});
afterAll(() => app.close());

const list = async (token: string, query = '') => app.request('GET', `/v1/audit-logs${query}`, { token });

async function join(role: 'editor' | 'viewer') {
  const member = await app.register();
  await app.ctx.db.execute(
    sql`insert into project_members (project_id, user_id, role) values (${projectId}, ${member.userId}, ${role})`,
  );
  return member;
}

async function refusalsOf(token: string, query = ''): Promise<Record<string, unknown>[]> {
  await refusalsWritten(app.server);
  return (await list(token, `?outcome=refused${query}`)).body.data;
}

describe('the list', () => {
  it('shows the owner what was done in the project, newest first', async () => {
    await app.request('PATCH', `/v1/projects/${projectId}`, {
      token: owner.token,
      body: { name: 'After', topK: 3, isPublic: false },
      headers: { 'user-agent': 'a browser' },
    });
    const { status, body } = await list(owner.token, `?projectId=${projectId}`);
    expect(status).toBe(200);
    expect(body.nextCursor).toBeNull();
    expect(body.data.map(({ action }: { action: string }) => action)).toEqual([
      'project.update',
      'project.create',
    ]);
    expect(body.data[0]).toEqual({
      id: expect.any(String),
      projectId,
      actorId: owner.userId,
      actorType: 'user',
      apiKeyId: null,
      action: 'project.update',
      outcome: 'done',
      resourceType: 'project',
      resourceId: projectId,
      // What was named but stayed as it was is no change.
      changes: { name: { before: 'Project', after: 'After' }, topK: { before: 8, after: 3 } },
      ip: '127.0.0.1',
      userAgent: 'a browser',
      requestId: expect.any(String),
      createdAt: expect.any(String),
    });
  });

  it('is the owner’s alone, and does not tell a foreign project from none', async () => {
    const editor = await join('editor');
    const viewer = await join('viewer');
    const stranger = await app.register();
    const statusOf = async (token: string, id: string) => [
      (await list(token, `?projectId=${id}`)).status,
      (await app.request('GET', `/v1/audit-logs/export?projectId=${id}`, { token })).status,
    ];
    expect(await statusOf(editor.token, projectId)).toEqual([403, 403]);
    expect(await statusOf(viewer.token, projectId)).toEqual([403, 403]);
    expect(await statusOf(stranger.token, projectId)).toEqual([404, 404]);
    expect(await statusOf(owner.token, newId())).toEqual([404, 404]);
    expect(await statusOf(owner.token, 'none')).toEqual([404, 404]);
    expect((await app.request('GET', '/v1/audit-logs')).status).toBe(401);
  });

  it('shows without a project the caller’s own acts, sign-ins among them, and an admin everybody’s', async () => {
    const user = await app.register();
    await app.request('POST', '/v1/auth/login', { body: { email: user.email, password: PASSWORD } });
    const own = await list(user.token);
    expect(own.body.data.map(({ action }: { action: string }) => action)).toEqual([
      'user.login',
      'user.register',
    ]);
    expect((await list(user.token, `?actorId=${owner.userId}`)).body.data).toEqual([]);
    await app.ctx.db.execute(sql`update users set role = 'admin' where id = ${user.userId}`);
    const all = await list(user.token, `?actorId=${owner.userId}&action=project.create`);
    expect(all.body.data).toMatchObject([{ projectId, actorId: owner.userId }]);
    expect((await list(user.token, `?projectId=${projectId}&limit=1`)).body.data).toHaveLength(1);
  });

  it('takes filters, goes on by its cursor, and is exported as it is listed', async () => {
    const { token } = await app.register();
    const id = await app.createProject(token);
    for (const name of ['A', 'B', 'C', 'D', 'E'])
      await app.request('PATCH', `/v1/projects/${id}`, { token, body: { name } });
    const pages: unknown[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const query = `?projectId=${id}&limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`;
      const { body } = await list(token, query);
      pages.push(...body.data);
      cursor = body.nextCursor;
    }
    expect(pages).toHaveLength(6);
    expect(pages).toEqual((await list(token, `?projectId=${id}`)).body.data);
    const exported = await app.request('GET', `/v1/audit-logs/export?projectId=${id}`, { token });
    expect(exported.headers['content-type']).toContain('application/x-ndjson');
    const lines: string[] = exported.body.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual(pages);

    const at = (pages[2] as { createdAt: string }).createdAt;
    const between = async (query: string) => (await list(token, `?projectId=${id}${query}`)).body.data.length;
    expect(await between(`&from=${at}`)).toBeGreaterThanOrEqual(3);
    expect(await between(`&to=${at}`)).toBe(6 - (await between(`&from=${at}`)));
    expect(await between('&action=project.create')).toBe(1);
    expect(await between('&outcome=refused')).toBe(0);
    for (const bad of ['&outcome=maybe', '&from=yesterday', '&cursor=x', '&limit=0'])
      expect((await list(token, `?projectId=${id}${bad}`)).status).toBe(400);
  });

  it('exports more than one page of its own', async () => {
    const { token, userId } = await app.register();
    await app.ctx.db.execute(sql`
      insert into audit_logs (id, actor_id, actor_type, action, resource_type)
      select gen_random_uuid(), ${userId}, 'user', 'test.act', 'test' from generate_series(1, 1001)`);
    const { body } = await app.request('GET', '/v1/audit-logs/export?action=test.act', { token });
    const ids = body
      .trimEnd()
      .split('\n')
      .map((line: string) => JSON.parse(line).id);
    expect(new Set(ids).size).toBe(1_001);
    const none = await app.request('GET', '/v1/audit-logs/export?action=none', { token });
    expect([none.status, none.body]).toEqual([200, '']);
  });
});

describe('what was refused', () => {
  it('to a member stands in the project', async () => {
    const viewer = await join('viewer');
    const reply = await app.request('PATCH', `/v1/projects/${projectId}`, {
      token: viewer.token,
      body: { name: 'Mine' },
    });
    expect(reply.status).toBe(403);
    expect(await refusalsOf(owner.token, `&projectId=${projectId}&actorId=${viewer.userId}`)).toMatchObject([
      {
        projectId,
        actorId: viewer.userId,
        actorType: 'user',
        action: 'request.refused',
        resourceType: 'route',
        resourceId: 'PATCH /v1/projects/{projectId}',
        changes: { code: 'forbidden' },
        requestId: reply.headers['x-request-id'],
      },
    ]);
  });

  it('to a stranger stands under the stranger alone, with the project that was tried', async () => {
    const stranger = await app.register();
    const before = (await list(owner.token, `?projectId=${projectId}`)).body.data.length;
    await app.request('DELETE', `/v1/projects/${projectId}`, { token: stranger.token });
    await app.request('GET', `/v1/audit-logs?projectId=${projectId}`, { token: stranger.token });
    expect(await refusalsOf(stranger.token)).toMatchObject([
      { projectId: null, resourceId: 'GET /v1/audit-logs', changes: { code: 'not_found', projectId } },
      {
        projectId: null,
        resourceId: 'DELETE /v1/projects/{projectId}',
        changes: { code: 'not_found', projectId },
      },
    ]);
    expect((await list(owner.token, `?projectId=${projectId}`)).body.data).toHaveLength(before);
  });

  it('to a dead credential, a wrong password and a visitor is noted; what was no attempt is not', async () => {
    const user = await app.register();
    const session = await app.request('POST', '/v1/auth/login', {
      body: { email: user.email, password: PASSWORD },
    });
    const { accessToken, refreshToken } = session.body;
    await app.request('POST', '/v1/auth/logout', { body: { refreshToken } });
    const replies = [
      await app.request('GET', '/v1/auth/me', { token: accessToken }),
      await app.request('POST', '/v1/auth/refresh', { body: { refreshToken } }),
      await app.request('POST', '/v1/auth/login', { body: { email: user.email, password: 'a wrong one' } }),
      await app.request('POST', `/v1/projects/${projectId}/chat`, { body: { message: 'Hello?' } }),
    ];
    const silent = [
      await app.request('GET', '/v1/auth/me'),
      await app.request('GET', `/v1/projects/${projectId}/sources/${newId()}`, { token: owner.token }),
      await app.request('POST', '/v1/auth/login', { body: { email: 'nobody' } }),
      await app.request('GET', '/v1/nothing', { token: owner.token }),
    ];
    await refusalsWritten(app.server);
    const entriesOf = async (requests: typeof replies) => {
      const ids = requests.map(({ headers }) => headers['x-request-id']);
      const { rows } = await app.ctx.db.execute(sql`
        select resource_id, changes, ip, actor_type, project_id from audit_logs
        where request_id = any(${sql.param(ids)}) and outcome = 'refused' order by id`);
      return rows;
    };
    const email = `${user.email.slice(0, 1)}***@example.com`;
    const visitor = { actor_type: 'visitor', project_id: null };
    expect(await entriesOf(replies)).toEqual([
      { ...visitor, resource_id: 'GET /v1/auth/me', changes: { code: 'unauthenticated' }, ip: '127.0.0.1' },
      {
        ...visitor,
        resource_id: 'POST /v1/auth/refresh',
        changes: { code: 'unauthenticated' },
        ip: '127.0.0.1',
      },
      {
        ...visitor,
        resource_id: 'POST /v1/auth/login',
        changes: { code: 'invalid_credentials', email },
        ip: '127.0.0.1',
      },
      {
        ...visitor,
        resource_id: 'POST /v1/projects/{projectId}/chat',
        changes: { code: 'not_found', projectId },
        ip: '127.0.0.0',
      },
    ]);
    expect(silent.map(({ status }) => status)).toEqual([401, 404, 400, 404]);
    expect(await entriesOf(silent)).toEqual([]);
  });

  it('is noted sixty times a minute for one caller; the rest is counted', async () => {
    const stranger = await app.register();
    const dropped = async () => {
      const { values } = await app.ctx.metrics.auditRefusals.get();
      return values.find(({ labels }) => labels['outcome'] === 'dropped')?.value ?? 0;
    };
    const before = await dropped();
    for (let index = 0; index < 70; index += 1)
      await app.request('GET', `/v1/projects/${projectId}`, { token: stranger.token });
    await refusalsWritten(app.server);
    const { rows } = await app.ctx.db.execute(
      sql`select count(*)::int as count from audit_logs where actor_id = ${stranger.userId} and outcome = 'refused'`,
    );
    expect(rows).toEqual([{ count: 60 }]);
    expect((await dropped()) - before).toBe(10);
  });
});

describe('the tables', () => {
  const refused = { cause: expect.objectContaining({ message: expect.stringContaining('append-only') }) };

  it.each([
    `update audit_logs set action = 'x'`,
    'delete from audit_logs',
    'truncate audit_logs',
    `update audit_seals set number = 2`,
    'delete from audit_seals',
    'truncate audit_seals, audit_logs',
  ])('refuse: %s', async (statement) => {
    await expect(app.ctx.db.execute(statement)).rejects.toMatchObject(refused);
  });

  it('let retention delete entries, in its own transaction, and never seals', async () => {
    const { db } = app.ctx;
    const inRetention = (statement: string) =>
      db.transaction(async (tx) => {
        await tx.execute(`set local botbase.audit_retention = 'on'`);
        return tx.execute(statement);
      });
    const mine = `from audit_logs where action = 'test.act'`;
    await inRetention(`delete ${mine}`);
    expect((await db.execute(`select 1 ${mine}`)).rows).toEqual([]);
    await expect(inRetention('delete from audit_seals')).rejects.toMatchObject(refused);
    await expect(inRetention(`update audit_logs set action = 'x'`)).rejects.toMatchObject(refused);
    await expect(db.execute(`delete ${mine}`)).rejects.toMatchObject(refused);
  });
});
