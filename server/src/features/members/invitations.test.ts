import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { accept, invite, mailedToken } from '#test/join-project.js';
import { deleteExpiredInvitations } from './delete-expired-invitations.js';

const DAY_MS = 24 * 3_600_000;
const NO_INVITATION = {
  status: 404,
  code: 'not_found',
  detail: expect.stringContaining('no such invitation'),
};

let app: TestApp;
beforeAll(async () => {
  app = await createTestApp({ environment: { PUBLIC_URL: 'https://bots.example' } });
});
afterAll(() => app.close());

type Account = Awaited<ReturnType<TestApp['register']>>;

async function newProject(name = 'Shop') {
  const owner = await app.register('Olga');
  const projectId = await app.createProject(owner.token, { name });
  const send = (method: string, what: string, body?: unknown, account: Account = owner) =>
    app.request(method, `/v1/projects/${projectId}/${what}`, { token: account.token, body });
  const offer = (email: string, role = 'viewer') =>
    invite(app, email, { token: owner.token, projectId, role });
  return { owner, projectId, send, offer };
}

/** Tokens live as long as the clock of a test; access tokens do so too. */
async function signIn({ email }: Account): Promise<{ token: string }> {
  const body = { email, password: 'correct horse battery' };
  return { token: (await app.request('POST', '/v1/auth/login', { body })).body.accessToken };
}

describe('an invitation', () => {
  it('is mailed, accepted, and proves the address', async () => {
    const { owner, projectId, send, offer } = await newProject('Shop');
    const guest = await app.register('Gustav');
    const invitation = await offer(` ${guest.email.toUpperCase()} `, 'editor');
    expect(invitation).toEqual({
      id: invitation.id,
      projectId,
      email: guest.email,
      role: 'editor',
      status: 'pending',
      invitedBy: owner.userId,
      expiresAt: new Date(app.clock.now().getTime() + 7 * DAY_MS).toISOString(),
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    const token = await mailedToken(app, guest.email);
    expect(token).toMatch(/^[\w-]{43}$/);
    const reply = await accept(app, guest, token);
    expect(reply.status).toBe(200);
    expect(reply.body).toMatchObject({
      member: { userId: guest.userId, name: 'Gustav', role: 'editor', isPayer: false },
      project: { id: projectId, name: 'Shop', ownerId: owner.userId },
    });
    expect((await send('GET', 'invitations')).body.data).toEqual([]);
    expect((await send('GET', 'members', undefined, guest)).body.data).toHaveLength(2);
    const me = await app.request('GET', '/v1/auth/me', { token: guest.token });
    expect(me.body.emailVerifiedAt).toBe(app.clock.now().toISOString());
  });

  it('says in its mail who invites to what, and what to do', async () => {
    const { offer } = await newProject('Shop <b>');
    const { expiresAt } = await offer('friend@example.com', 'viewer');
    const token = await mailedToken(app, 'friend@example.com');
    const mail = app.mails.at(-1);
    const until = `${expiresAt.slice(0, 16).replace('T', ' ')} UTC`;
    expect(mail?.subject).toBe('Olga invites you to “Shop <b>”');
    for (const words of [
      'Olga invites you to the project “Shop <b>” as a viewer.',
      'an account of the address friend@example.com',
      `once, until ${until}`,
      `Accept the invitation:\nhttps://bots.example/account/invitation#token=${token}\n`,
      'ignore this mail',
    ]) {
      expect(mail?.text).toContain(words);
    }
    expect(mail?.html).not.toContain('<b>');
  });

  it('of a name that would be an advertisement is short and no link', async () => {
    const { offer } = await newProject(`Win at https://evil.example/now\u202e ${'x'.repeat(250)}`);
    await offer('target@example.com');
    await app.runJobs();
    const { subject = '', text = '' } = app.mails.at(-1) ?? {};
    expect(subject.length).toBeLessThan(120);
    expect(`${subject} ${text}`).not.toMatch(/evil\.example|https:\/\/evil|\u202e/);
  });

  it('is the same for an address with an account and for one without', async () => {
    const { offer } = await newProject();
    const known = await app.register();
    const replies = [await offer(known.email), await offer('unknown@example.com')];
    const [one, other] = replies.map(({ id, email, createdAt, updatedAt, ...rest }) => {
      expect([id, email, createdAt, updatedAt].every((value) => typeof value === 'string')).toBe(true);
      return rest;
    });
    expect(one).toEqual(other);
    await app.runJobs();
    const [first, second] = app.mails
      .slice(-2)
      .map(({ to, text }) => text.replaceAll(to, 'ADDRESS').replace(/#token=[\w-]+/, ''));
    expect(first).toBe(second);
  });

  it('of a member is refused, and a second one replaces the first', async () => {
    const { owner, send, offer } = await newProject();
    const again = await send('POST', 'members', { email: owner.email, role: 'viewer' });
    expect(again.body).toMatchObject({ status: 409, code: 'conflict' });
    const guest = await app.register();
    const first = await offer(guest.email, 'owner');
    const oldToken = await mailedToken(app, guest.email);
    app.clock.advance(DAY_MS / 2);
    const second = await offer(guest.email, 'viewer');
    expect(second).toMatchObject({ id: first.id, role: 'viewer' });
    expect(Date.parse(second.expiresAt) - Date.parse(first.expiresAt)).toBe(DAY_MS / 2);
    expect((await send('GET', 'invitations')).body.data).toEqual([second]);
    expect((await accept(app, guest, oldToken)).body).toMatchObject(NO_INVITATION);
    const reply = await accept(app, guest, await mailedToken(app, guest.email));
    expect(reply.body.member.role).toBe('viewer');
  });

  it('is made once for one Idempotency-Key', async () => {
    const { owner, projectId } = await newProject();
    const post = () =>
      app.request('POST', `/v1/projects/${projectId}/members`, {
        token: owner.token,
        body: { email: 'once@example.com', role: 'viewer' },
        headers: { 'idempotency-key': 'invite-once' },
      });
    const [first, second] = [await post(), await post()];
    expect(second.body).toEqual(first.body);
    await app.runJobs();
    expect(app.mails.filter(({ to }) => to === 'once@example.com')).toHaveLength(1);
  });

  it('makes fifty parallel invitations of one address one', async () => {
    const { send, offer } = await newProject();
    const replies = await Promise.all(Array.from({ length: 50 }, () => offer('busy@example.com')));
    expect(new Set(replies.map(({ id }) => id)).size).toBe(1);
    expect((await send('GET', 'invitations')).body.data).toHaveLength(1);
  });

  it('is one of a hundred at most', async () => {
    const { projectId, send } = await newProject();
    await app.ctx.db.execute(sql`
      insert into project_invitations (id, project_id, email, role, token_hash, expires_at)
      select gen_random_uuid(), ${projectId}, 'guest' || n || '@example.com', 'viewer', ${projectId} || n, now()
      from generate_series(1, 100) as n`);
    const one = await send('POST', 'members', { email: 'guest-101@example.com', role: 'viewer' });
    expect(one.body).toMatchObject({ code: 'conflict', detail: expect.stringContaining('100') });
    expect((await send('POST', 'members', { email: 'guest7@example.com', role: 'editor' })).status).toBe(201);
  });
});

describe('a token', () => {
  it('is accepted once of fifty tries at once', async () => {
    const { send, offer } = await newProject();
    const guest = await app.register();
    await offer(guest.email);
    const token = await mailedToken(app, guest.email);
    const replies = await Promise.all(Array.from({ length: 50 }, () => accept(app, guest, token)));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(replies.filter(({ body }) => body.code === 'not_found')).toHaveLength(49);
    expect((await send('GET', 'members')).body.data).toHaveLength(2);
  });

  it('that opens nothing is one and the same problem', async () => {
    const { send, offer } = await newProject();
    const [used, withdrawn, stranger] = [await app.register(), await app.register(), await app.register()];
    await offer(used.email);
    const usedToken = await mailedToken(app, used.email);
    await accept(app, used, usedToken);
    const { id } = await offer(withdrawn.email);
    const withdrawnToken = await mailedToken(app, withdrawn.email);
    expect((await accept(app, stranger, withdrawnToken)).body).toMatchObject(NO_INVITATION);
    expect((await send('DELETE', `invitations/${id}`)).status).toBe(204);
    expect((await send('DELETE', `invitations/${id}`)).status).toBe(404);
    expect((await send('POST', `invitations/${id}/resend`)).status).toBe(404);
    const replies = [
      await accept(app, used, usedToken),
      await accept(app, withdrawn, withdrawnToken),
      await accept(app, withdrawn, ''),
      await accept(app, withdrawn, 'null'),
      await accept(app, withdrawn, `${withdrawnToken} `),
      await accept(app, withdrawn, id),
    ];
    const bodies = new Set(replies.map(({ body }) => JSON.stringify({ ...body, requestId: '' })));
    expect(bodies.size).toBe(1);
    expect(replies[0]?.body).toMatchObject(NO_INVITATION);
    for (const token of [null, undefined, 0, false, [], {}, ['x'], 'x'.repeat(501), 'a\u0000']) {
      expect((await accept(app, withdrawn, token)).body.code).toBe('validation_failed');
    }
    expect((await send('GET', 'members')).body.data).toHaveLength(2);
  });

  it('needs an account that is signed in', async () => {
    const reply = await app.request('POST', '/v1/invitations/accept', { body: { token: 'x' } });
    expect(reply.status).toBe(401);
  });

  it('lives for seven days, and a mail sent again has seven new ones and the only token', async () => {
    const { owner, projectId, offer } = await newProject();
    const guest = await app.register();
    const { id } = await offer(guest.email);
    const first = await mailedToken(app, guest.email);
    app.clock.advance(7 * DAY_MS);
    const late = await signIn(guest);
    expect((await accept(app, late, first)).body).toMatchObject(NO_INVITATION);

    const { token } = await signIn(owner);
    const path = `/v1/projects/${projectId}/invitations`;
    const listed = await app.request('GET', path, { token });
    expect(listed.body.data).toMatchObject([{ id, status: 'expired' }]);
    const resent = await app.request('POST', `${path}/${id}/resend`, { token });
    expect(resent.status).toBe(200);
    expect(resent.body).toMatchObject({
      id,
      status: 'pending',
      expiresAt: new Date(app.clock.now().getTime() + 7 * DAY_MS).toISOString(),
    });
    const second = await mailedToken(app, guest.email);
    app.clock.advance(7 * DAY_MS - 1);
    const again = await signIn(guest);
    expect(second).not.toBe(first);
    expect((await accept(app, again, first)).body).toMatchObject(NO_INVITATION);
    expect((await accept(app, again, second)).status).toBe(200);
  });

  it('of a member whose address has become another is no second membership', async () => {
    const { send, offer } = await newProject();
    const guest = await app.register();
    await offer(guest.email, 'viewer');
    expect((await accept(app, guest, await mailedToken(app, guest.email))).status).toBe(200);
    await offer('new-address@example.com', 'owner');
    const token = await mailedToken(app, 'new-address@example.com');
    await app.ctx.db.execute(
      sql`update users set email = 'new-address@example.com' where id = ${guest.userId}`,
    );
    expect((await accept(app, guest, token)).body.code).toBe('conflict');
    expect((await send('GET', 'members')).body.data[0].role).toBe('viewer');
  });
});

describe('what is kept of invitations', () => {
  it('in the audit log are acts with masked addresses, and nowhere but in the mail is a token', async () => {
    const { owner, projectId, send, offer } = await newProject();
    const guest = await app.register();
    const { id } = await offer('withdrawn@example.com', 'editor');
    const tokens = [await mailedToken(app, 'withdrawn@example.com')];
    await offer('withdrawn@example.com', 'viewer');
    await send('POST', `invitations/${id}/resend`);
    await send('DELETE', `invitations/${id}`);
    const accepted = await offer(guest.email);
    tokens.push(await mailedToken(app, guest.email));
    await accept(app, guest, tokens[1]);
    const { rows } = await app.ctx.db.execute(
      sql`select action, actor_id, resource_id, changes from audit_logs where project_id = ${projectId} order by id`,
    );
    const email = 'w***@example.com';
    const by = (action: string, changes: object) => ({
      action,
      actor_id: owner.userId,
      resource_id: id,
      changes,
    });
    expect(rows.slice(1)).toEqual([
      by('member.invite', { email, role: 'editor' }),
      by('member.invite', { email, role: { before: 'editor', after: 'viewer' } }),
      by('invitation.resend', { email }),
      by('invitation.withdraw', { email, role: 'viewer' }),
      { ...by('member.invite', { email: 'u***@example.com', role: 'viewer' }), resource_id: accepted.id },
      {
        action: 'member.accept',
        actor_id: guest.userId,
        resource_id: guest.userId,
        changes: { invitationId: accepted.id, role: 'viewer' },
      },
    ]);
    const stored = await app.ctx.db.execute(sql`
      select to_jsonb(t)::text as row from project_invitations t
      union all select to_jsonb(t)::text from jobs t union all select to_jsonb(t)::text from audit_logs t`);
    const written = JSON.stringify(stored.rows) + app.logLines.join('');
    for (const secret of tokens) expect(written).not.toContain(secret);
    for (const address of ['withdrawn@example.com', guest.email]) {
      expect(app.logLines.join('')).not.toContain(address);
    }
  });

  it('goes thirty days after it expired', async () => {
    const { projectId, offer } = await newProject();
    await offer('old@example.com');
    const countAfter = async (ms: number) => {
      app.clock.advance(ms);
      await deleteExpiredInvitations(app.ctx);
      const { rows } = await app.ctx.db.execute(
        sql`select count(*)::int as count from project_invitations where project_id = ${projectId}`,
      );
      return rows[0]?.['count'];
    };
    expect(await countAfter(37 * DAY_MS)).toBe(1);
    expect(await countAfter(1)).toBe(0);
  });
});
