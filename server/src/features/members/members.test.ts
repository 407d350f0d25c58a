import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { accept, invite, joinProject, mailedToken } from '#test/join-project.js';

const NOBODYS_ID = '01900000-0000-7000-8000-000000000000';

let app: TestApp;
beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app.close());

type Account = Awaited<ReturnType<TestApp['register']>>;

async function newProject(name = 'Shop') {
  const owner = await app.register('Olga Owner');
  const projectId = await app.createProject(owner.token, { name });
  const path = `/v1/projects/${projectId}`;
  const join = (role: string, memberName?: string) =>
    joinProject(app, { token: owner.token, projectId, role }, memberName);
  const send = (account: Account, method: string, what: string, body?: unknown) =>
    app.request(method, `${path}/${what}`, { token: account.token, body });
  const rolesOf = async () => {
    const { rows } = await app.ctx.db.execute(
      `select user_id, role from project_members where project_id = '${projectId}'`,
    );
    return new Map(rows.map(({ user_id, role }) => [String(user_id), String(role)]));
  };
  const audit = async () => {
    const { rows } = await app.ctx.db.execute(
      `select action, actor_id, resource_id, changes from audit_logs where project_id = '${projectId}' and action <> 'project.create' order by id`,
    );
    return rows;
  };
  return { owner, projectId, path, join, send, rolesOf, audit };
}

/** Mails about a project, which all name it. */
const mailsTo = async ({ email }: Account) => {
  await app.runJobs();
  return app.mails.filter(({ to, subject }) => to === email && subject.includes('“Shop”'));
};

describe('members', () => {
  it('are listed page by page, with the one who pays among them', async () => {
    const { owner, join, send } = await newProject();
    const editor = await join('editor', 'Eddie Editor');
    const first = await send(owner, 'GET', 'members?limit=1');
    expect(first.body.data).toMatchObject([
      { userId: editor.userId, email: editor.email, name: 'Eddie Editor', role: 'editor', isPayer: false },
    ]);
    const second = await send(editor, 'GET', `members?limit=1&cursor=${first.body.nextCursor}`);
    expect(second.body).toMatchObject({
      data: [{ userId: owner.userId, name: 'Olga Owner', role: 'owner', isPayer: true }],
      nextCursor: null,
    });
  });

  it('may do with each other what their role allows', async () => {
    const { owner, join, send, projectId } = await newProject();
    const other = await join('viewer');
    const { id: invitationId } = await invite(app, 'invited@example.com', {
      token: owner.token,
      projectId,
      role: 'viewer',
    });
    const attempt = async (account: Account) => {
      const requests: [string, string, unknown?][] = [
        ['GET', 'members'],
        ['GET', 'invitations'],
        ['POST', 'members', { email: 'one-more@example.com', role: 'viewer' }],
        ['PATCH', `members/${other.userId}`, { role: 'viewer' }],
        ['POST', `invitations/${invitationId}/resend`],
        ['DELETE', `members/${NOBODYS_ID}`],
        ['DELETE', `invitations/${NOBODYS_ID}`],
        ['POST', 'transfer', { userId: NOBODYS_ID }],
      ];
      const statuses = [];
      for (const [method, what, body] of requests) {
        statuses.push((await send(account, method, what, body)).status);
      }
      return statuses;
    };
    const secondOwner = await join('owner');
    const stranger = await app.register();
    expect(await attempt(await join('viewer'))).toEqual([200, 200, 403, 403, 403, 403, 403, 403]);
    expect(await attempt(await join('editor'))).toEqual([200, 200, 403, 403, 403, 403, 403, 403]);
    expect(await attempt(secondOwner)).toEqual([200, 200, 201, 200, 200, 404, 404, 403]);
    expect(await attempt(owner)).toEqual([200, 200, 201, 200, 200, 404, 404, 404]);
    expect(await attempt(stranger)).toEqual([404, 404, 404, 404, 404, 404, 404, 404]);
  });

  it('hear of a new role, which counts at once', async () => {
    const { owner, join, send, audit, projectId } = await newProject('Shop');
    const member = await join('viewer');
    const changed = await send(owner, 'PATCH', `members/${member.userId}`, { role: 'editor' });
    expect(changed.body).toMatchObject({ userId: member.userId, role: 'editor' });
    const source = { type: 'text', name: 'T', text: 'A text.' };
    expect((await send(member, 'POST', 'sources', source)).status).toBe(202);
    // The same role again is no change.
    expect((await send(owner, 'PATCH', `members/${member.userId}`, { role: 'editor' })).status).toBe(200);
    const mails = (await mailsTo(member)).slice(1);
    expect(mails.map(({ subject }) => subject)).toEqual(['Your role in “Shop” has changed']);
    expect(mails[0]?.text).toContain('You were a viewer of the project “Shop”, and are an editor now.');
    expect((await audit()).filter(({ action }) => action === 'member.update')).toEqual([
      {
        action: 'member.update',
        actor_id: owner.userId,
        resource_id: member.userId,
        changes: { role: { before: 'viewer', after: 'editor' } },
      },
    ]);
    await send(owner, 'PATCH', `members/${member.userId}`, { role: 'viewer' });
    expect((await send(member, 'POST', 'sources', source)).status).toBe(403);
    expect((await app.request('GET', `/v1/projects/${projectId}`, { token: member.token })).status).toBe(200);
  });

  it('are removed and hear of it, or leave', async () => {
    const { owner, join, send, audit, rolesOf } = await newProject('Shop');
    const removed = await join('editor');
    const leaving = await join('viewer');
    expect((await send(owner, 'DELETE', `members/${removed.userId}`)).status).toBe(204);
    expect((await send(leaving, 'DELETE', `members/${leaving.userId.toUpperCase()}`)).status).toBe(204);
    for (const account of [removed, leaving]) {
      expect((await send(account, 'GET', 'members')).status).toBe(404);
      expect((await send(owner, 'DELETE', `members/${account.userId}`)).status).toBe(404);
      expect((await app.request('GET', '/v1/projects', { token: account.token })).body.data).toEqual([]);
    }
    expect((await mailsTo(removed)).at(-1)?.subject).toBe('You were removed from “Shop”');
    expect((await mailsTo(leaving)).map(({ subject }) => subject)).toEqual([
      'Olga Owner invites you to “Shop”',
    ]);
    expect((await audit()).slice(-2)).toEqual([
      {
        action: 'member.remove',
        actor_id: owner.userId,
        resource_id: removed.userId,
        changes: { role: 'editor' },
      },
      {
        action: 'member.leave',
        actor_id: leaving.userId,
        resource_id: leaving.userId,
        changes: { role: 'viewer' },
      },
    ]);
    expect([...(await rolesOf())]).toEqual([[owner.userId, 'owner']]);
  });

  it('refuse a role that is none', async () => {
    const { owner, join, send } = await newProject();
    const { userId } = await join('viewer');
    for (const body of [{ role: 'admin' }, { role: null }, {}, { role: 'editor', userId: owner.userId }]) {
      expect((await send(owner, 'PATCH', `members/${userId}`, body)).body.code).toBe('validation_failed');
    }
  });

  it('of another project are not found', async () => {
    const mine = await newProject();
    const theirs = await newProject();
    const { userId } = await theirs.join('editor');
    const replies = [
      await mine.send(mine.owner, 'PATCH', `members/${userId}`, { role: 'viewer' }),
      await mine.send(mine.owner, 'DELETE', `members/${userId}`),
      await mine.send(mine.owner, 'POST', 'transfer', { userId }),
      await mine.send(mine.owner, 'DELETE', 'members/not-an-id'),
    ];
    expect(replies.map(({ body }) => body.detail)).toEqual(Array(4).fill('There is no such member.'));
    expect((await theirs.rolesOf()).get(userId)).toBe('editor');
  });
});

describe('an API key', () => {
  it('changes who is a member with the scope admin alone, and accepts nothing', async () => {
    const { owner, join, path } = await newProject();
    const [one, leaving] = [await join('viewer'), await join('viewer')];
    const keyOf = async ({ token }: Account, scope: string) => {
      const body = { name: 'Key', scopes: [scope] };
      return (await app.request('POST', '/v1/api-keys', { token, body })).body.key as string;
    };
    const remove = async (account: Account, scope: string, userId: string) => {
      const token = await keyOf(account, scope);
      return (await app.request('DELETE', `${path}/members/${userId}`, { token })).status;
    };
    expect(await remove(owner, 'write', one.userId)).toBe(403);
    expect(await remove(owner, 'admin', one.userId)).toBe(204);
    expect(await remove(leaving, 'write', leaving.userId)).toBe(403);
    expect(await remove(leaving, 'admin', leaving.userId)).toBe(204);
    expect((await accept(app, { token: await keyOf(owner, 'admin') }, 'x')).status).toBe(403);
  });
});

describe('the last owner', () => {
  it('stays: the one who pays neither leaves, nor is removed, nor loses the role', async () => {
    const { owner, join, send, rolesOf } = await newProject();
    const second = await join('owner');
    for (const account of [owner, second]) {
      const replies = [
        await send(account, 'DELETE', `members/${owner.userId}`),
        await send(account, 'PATCH', `members/${owner.userId}`, { role: 'viewer' }),
      ];
      expect(replies.map(({ body }) => body.code)).toEqual(['conflict', 'conflict']);
    }
    expect((await send(owner, 'PATCH', `members/${owner.userId}`, { role: 'owner' })).status).toBe(200);
    expect((await send(second, 'DELETE', `members/${second.userId}`)).status).toBe(204);
    expect([...(await rolesOf())]).toEqual([[owner.userId, 'owner']]);
  });

  it('stays when twenty owners leave, demote and remove each other at once', async () => {
    const { owner, join, send, rolesOf } = await newProject();
    const owners = [owner];
    for (let index = 1; index < 20; index += 1) owners.push(await join('owner'));
    const acts = owners.flatMap((account, index) => {
      const next = owners[(index + 1) % owners.length] ?? owner;
      return [
        send(account, 'PATCH', `members/${next.userId}`, { role: 'viewer' }),
        send(account, 'DELETE', `members/${owner.userId}`),
        send(account, 'DELETE', `members/${account.userId}`),
      ];
    });
    const statuses = new Set((await Promise.all(acts)).map(({ status }) => status));
    expect([...statuses].filter((status) => ![200, 204, 403, 404, 409].includes(status))).toEqual([]);
    expect([...(await rolesOf())]).toEqual([[owner.userId, 'owner']]);
  });

  it('is one of two who remove each other at once, if neither pays', async () => {
    const { join, send, rolesOf } = await newProject();
    for (let round = 0; round < 5; round += 1) {
      const [one, other] = [await join('owner'), await join('owner')];
      const replies = await Promise.all([
        send(one, 'DELETE', `members/${other.userId}`),
        send(other, 'DELETE', `members/${one.userId}`),
      ]);
      expect(replies.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([204, 404]);
      const roles = await rolesOf();
      expect([one, other].filter(({ userId }) => roles.has(userId))).toHaveLength(1);
    }
  });
});

describe('an account that is deleted', () => {
  it('takes its memberships along, and only the projects that it pays for', async () => {
    const { owner, join, send, projectId, rolesOf } = await newProject();
    const second = await join('owner');
    await invite(app, 'kept@example.com', { token: second.token, projectId, role: 'viewer' });
    await app.ctx.db.execute(`delete from users where id = '${second.userId}'`);
    expect([...(await rolesOf())]).toEqual([[owner.userId, 'owner']]);
    expect((await send(owner, 'GET', 'invitations')).body.data).toMatchObject([
      { email: 'kept@example.com', invitedBy: null },
    ]);
    const guest = await join('editor');
    await app.ctx.db.execute(`delete from users where id = '${owner.userId}'`);
    expect((await send(guest, 'GET', 'members')).status).toBe(404);
    expect((await rolesOf()).size).toBe(0);
  });

  it('cannot accept what was sent to it', async () => {
    const { owner, projectId } = await newProject();
    const guest = await app.register();
    await invite(app, guest.email, { token: owner.token, projectId, role: 'viewer' });
    const token = await mailedToken(app, guest.email);
    await app.ctx.db.execute(`delete from users where id = '${guest.userId}'`);
    expect((await accept(app, guest, token)).status).toBe(401);
  });
});
